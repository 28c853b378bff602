"""AWS::CloudWatch::Alarm."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.core.common_models import CloudFormationModel

from tests.support.cloudformation.taught import Taught


def cloudwatch(account_id: str, region_name: str) -> CloudWatchBackend:
    """moto's CloudWatch of one account and region."""
    return cloudwatch_backends[account_id][region_name]


class Alarm(Taught, CloudFormationModel):
    """A bound on a metric, and who is told when it is passed."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::CloudWatch::Alarm"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Alarm:
        """What PutMetricAlarm makes of the same properties."""
        properties = cloudformation_json["Properties"]
        cloudwatch(account_id, region_name).put_metric_alarm(
            name=resource_name,
            namespace=properties["Namespace"],
            metric_name=properties["MetricName"],
            comparison_operator=properties["ComparisonOperator"],
            evaluation_periods=properties["EvaluationPeriods"],
            period=properties["Period"],
            threshold=properties["Threshold"],
            statistic=properties["Statistic"],
            description=properties["AlarmDescription"],
            dimensions=[],
            alarm_actions=properties.get("AlarmActions", []),
            treat_missing_data=properties["TreatMissingData"],
        )
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Nobody is told any more."""
        cloudwatch(account_id, region_name).delete_alarms([resource_name])
