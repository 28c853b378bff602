"""AWS::FSx::FileSystem."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.fsx.models import FSxBackend, fsx_backends

from tests.support.cloudformation.taught import Taught


def fsx(account_id: str, region_name: str) -> FSxBackend:
    """moto's FSx of one account and region."""
    return fsx_backends[account_id][region_name]


class FileSystem(Taught, CloudFormationModel):
    """A file system, with the names that clients mount."""

    def __init__(self, file_system_id: str, dns_name: str) -> None:
        self.physical_resource_id = file_system_id
        self.dns_name = dns_name

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::FSx::FileSystem"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """What a client mounts."""
        return attr in ("DNSName", "LustreMountName")

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """The host's name, or what it exports."""
        return self.dns_name if attribute_name == "DNSName" else "abcdefgh"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> FileSystem:
        """What CreateFileSystem makes of the same properties."""
        properties = cloudformation_json["Properties"]
        made = fsx(account_id, region_name).create_file_system(
            client_request_token="",
            file_system_type=properties["FileSystemType"],
            storage_capacity=properties["StorageCapacity"],
            storage_type=properties["StorageType"],
            subnet_ids=properties["SubnetIds"],
            security_group_ids=properties["SecurityGroupIds"],
            tags=properties["Tags"],
            kms_key_id=None,
            windows_configuration=None,
            lustre_configuration=properties["LustreConfiguration"],
            ontap_configuration=None,
            file_system_type_version=properties["FileSystemTypeVersion"],
            open_zfs_configuration=None,
        )
        return cls(made.file_system_id, made.dns_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Deletes it with all files."""
        fsx(account_id, region_name).delete_file_system(resource_name, "", None, None, None)
