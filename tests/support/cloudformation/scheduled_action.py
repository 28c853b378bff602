"""AWS::AutoScaling::ScheduledAction."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import CloudFormationModel

from tests.support.cloudformation.scaling_policy import autoscaling
from tests.support.cloudformation.taught import Taught


class ScheduledAction(Taught, CloudFormationModel):
    """When a group's bounds change; moto's own type cannot be deleted."""

    def __init__(self, name: str, group: str) -> None:
        self.physical_resource_id, self.group = name, group

    @staticmethod
    def cloudformation_type() -> str:
        """Takes the place of moto's."""
        return "AWS::AutoScaling::ScheduledAction"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> ScheduledAction:
        """What PutScheduledUpdateGroupAction makes of the same properties; the group must be there."""
        properties = cloudformation_json["Properties"]
        backend, group = autoscaling(account_id, region_name), properties["AutoScalingGroupName"]
        backend.autoscaling_groups[group]
        backend.put_scheduled_update_group_action(
            name=group,
            desired_capacity=None,
            max_size=None,
            min_size=int(properties["MinSize"]),
            scheduled_action_name=resource_name,
            start_time=None,
            end_time=None,
            recurrence=properties["Recurrence"],
            timezone=properties["TimeZone"],
        )
        return cls(resource_name, group)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """The bounds stay as they are."""
        autoscaling(account_id, region_name).scheduled_actions.pop(resource_name, None)
