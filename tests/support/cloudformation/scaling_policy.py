"""AWS::AutoScaling::ScalingPolicy."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import AutoScalingBackend, autoscaling_backends
from moto.core.common_models import CloudFormationModel

from tests.support.cloudformation.taught import Taught

_OF_OTHER_KINDS: tuple[str, ...] = (
    "metric_aggregation_type",
    "adjustment_type",
    "min_adjustment_magnitude",
    "scaling_adjustment",
    "cooldown",
    "step_adjustments",
    "estimated_instance_warmup",
    "predictive_scaling_configuration",
)


def autoscaling(account_id: str, region_name: str) -> AutoScalingBackend:
    """moto's auto scaling of one account and region."""
    return autoscaling_backends[account_id][region_name]


class ScalingPolicy(Taught, CloudFormationModel):
    """What a group is scaled by."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::AutoScaling::ScalingPolicy"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> ScalingPolicy:
        """What PutScalingPolicy makes of the same properties; the group must be there."""
        properties = cloudformation_json["Properties"]
        backend = autoscaling(account_id, region_name)
        backend.autoscaling_groups[properties["AutoScalingGroupName"]]
        backend.put_scaling_policy(
            name=resource_name,
            policy_type=properties["PolicyType"],
            as_name=properties["AutoScalingGroupName"],
            target_tracking_config=properties["TargetTrackingConfiguration"],
            # Of other kinds of policies, which the API's own model leaves empty by None.
            **dict.fromkeys(_OF_OTHER_KINDS),
        )
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """The group stays as large as it is."""
        autoscaling(account_id, region_name).delete_policy(resource_name)
