"""What do the types that we teach moto have in common?

moto finds a type by walking the direct subclasses of its CloudFormationModel, the last one winning; so each
type here inherits from that model itself, besides one of these.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from moto.core.common_models import CloudFormationModel
from moto.ec2.models import EC2Backend, ec2_backends


def ec2(account_id: str, region_name: str) -> EC2Backend:
    """moto's EC2 of one account and region."""
    return ec2_backends[account_id][region_name]


class Taught:
    """A type without a name property, of which nothing but its Ref can be asked."""

    @staticmethod
    def cloudformation_name_type() -> str:
        """No property names it."""
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether GetAtt knows the attribute."""
        return False

    def is_created(self) -> bool:
        """Nothing here takes time."""
        return True


class Deletable(Taught):
    """A type that moto makes, and would leave behind."""

    model: ClassVar[type[CloudFormationModel]]

    @classmethod
    def cloudformation_type(cls) -> str:
        """The type that moto's own model makes."""
        return cls.model.cloudformation_type()

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether GetAtt knows the attribute."""
        return cls.model.has_cfn_attr(attr)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Any:
        """What moto's own model makes."""
        return cls.model.create_from_cloudformation_json(
            resource_name, cloudformation_json, account_id, region_name, **kwargs
        )

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Deletes it by its physical id, which is what moto passes as its name."""
        cls.delete_by_id(ec2(account_id, region_name), resource_name)

    @classmethod
    @abstractmethod
    def delete_by_id(cls, backend: EC2Backend, physical_id: str) -> None:
        """Deletes it from EC2."""
