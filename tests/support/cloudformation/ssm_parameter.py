"""AWS::SSM::Parameter, without a name of its own."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.ssm.models import SimpleSystemManagerBackend, ssm_backends

from tests.support.cloudformation.taught import Taught


def ssm(account_id: str, region_name: str) -> SimpleSystemManagerBackend:
    """moto's Systems Manager of one account and region."""
    return ssm_backends[account_id][region_name]


class Parameter(Taught, CloudFormationModel):
    """moto's own must be named."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """The type that moto's own model makes."""
        return "AWS::SSM::Parameter"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Parameter:
        """A parameter with the name that CloudFormation makes up."""
        properties = cloudformation_json["Properties"]
        # Templates write tags of this type as a map.
        tags = [{"Key": key, "Value": value} for key, value in properties.get("Tags", {}).items()]
        ssm(account_id, region_name).put_parameter(
            name=resource_name,
            description="",
            value=properties["Value"],
            parameter_type=properties["Type"],
            allowed_pattern="",
            keyid="",
            overwrite=False,
            tags=tags,
            data_type="text",
            tier="Standard",
            policies=None,
        )
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Gone with its history."""
        ssm(account_id, region_name).delete_parameter(resource_name)
