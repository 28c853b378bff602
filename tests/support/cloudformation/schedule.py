"""AWS::Scheduler::Schedule."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends

from tests.support.cloudformation.taught import Taught


def scheduler(account_id: str, region_name: str) -> EventBridgeSchedulerBackend:
    """moto's scheduler of one account and region."""
    return scheduler_backends[account_id][region_name]


class Schedule(Taught, CloudFormationModel):
    """Something that is to happen once."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::Scheduler::Schedule"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Schedule:
        """What CreateSchedule makes of the same properties."""
        properties = cloudformation_json["Properties"]
        target = properties["Target"]
        scheduler(account_id, region_name).create_schedule(
            description=properties["Description"],
            end_date="",
            flexible_time_window=properties["FlexibleTimeWindow"],
            group_name="default",
            kms_key_arn="",
            name=resource_name,
            schedule_expression=properties["ScheduleExpression"],
            schedule_expression_timezone=properties["ScheduleExpressionTimezone"],
            start_date="",
            state="ENABLED",
            target={"Arn": target["Arn"], "RoleArn": target["RoleArn"], "Input": target["Input"]},
            action_after_completion=None,
        )
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Nothing happens any more."""
        scheduler(account_id, region_name).delete_schedule("default", resource_name)
