"""AWS::AutoScaling::AutoScalingGroup, whose sizes are numbers written as text."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.core.common_models import CloudFormationModel

from tests.support.cloudformation.launch import dress, template_data
from tests.support.cloudformation.scaling_policy import autoscaling
from tests.support.cloudformation.taught import Taught, ec2


class AutoScalingGroup(Taught, CloudFormationModel):
    """moto's own counts with the text of CloudFormation's sizes, and leaves its template's groups and tags out."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """The type that moto's own model makes."""
        return FakeAutoScalingGroup.cloudformation_type()

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> AutoScalingGroup:
        """The group with its instances."""
        properties = cloudformation_json["Properties"]
        sizes = {key: int(properties[key]) for key in ("MinSize", "MaxSize")}
        # moto writes into the policy that it is given.
        group = FakeAutoScalingGroup.create_from_cloudformation_json(
            resource_name, {"Properties": deepcopy({**properties, **sizes})}, account_id, region_name
        )
        backend = ec2(account_id, region_name)
        mixed = properties.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        data = template_data(backend, properties.get("LaunchTemplate") or mixed["LaunchTemplateSpecification"])
        for state in group.instance_states:
            dress(backend, state.instance, data)
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Ends all instances with the group, as CloudFormation does."""
        autoscaling(account_id, region_name).delete_auto_scaling_group(resource_name)
