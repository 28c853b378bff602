"""AWS::FSx::DataRepositoryAssociation."""

from __future__ import annotations

from typing import Any, ClassVar

from moto.core.common_models import CloudFormationModel

from tests.support.cloudformation.fsx_file_system import fsx
from tests.support.cloudformation.taught import Taught


class DataRepositoryAssociation(Taught, CloudFormationModel):
    """A link between a file system and a bucket; moto's FSx knows none."""

    links: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """moto has no such type."""
        return "AWS::FSx::DataRepositoryAssociation"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> DataRepositoryAssociation:
        """Refused, as FSx does, for a file system that there is not."""
        properties = cloudformation_json["Properties"]
        if not fsx(account_id, region_name).describe_file_systems([properties["FileSystemId"]]):
            raise ValueError(f"The file system {properties['FileSystemId']!r} is unknown.")
        cls.links[resource_name] = properties["DataRepositoryPath"]
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Forgets the link."""
        cls.links.pop(resource_name)
