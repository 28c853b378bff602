"""What do the nodes and the job say of themselves, and who is told when accelerators stand idle?

Everything is published in one namespace of the workload's own, added up over its nodes, so that a dashboard and an
alarm need not know which nodes there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, CfnOutput, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from msgspec import Struct

from planner.plan import Build
from stacks.parts.logs import log_group

PERIOD_S = 60
# Where cloud-init writes what user data says.
BOOT_LOG = "/var/log/cloud-init-output.log"
# A job that loads data or compiles does not last an hour without a kernel; one that hangs does.
IDLE_PERCENT, IDLE_PERIOD_S, IDLE_PERIODS = 5, 300, 12
UTILIZATION = {"NVIDIA": "nvidia_smi_utilization_gpu", "AWS": "neuroncore_utilization"}


class Chart(Struct, frozen=True, kw_only=True):
    """One widget: metrics of the workload's namespace by name, and how they are summed up."""

    title: str
    metrics: tuple[str, ...]
    statistic: str


CHARTS = (
    Chart(title="Accelerators busy, percent", metrics=tuple(UTILIZATION.values()), statistic="Average"),
    Chart(
        title="Accelerator memory, MiB used on the fullest", metrics=("nvidia_smi_memory_used",), statistic="Maximum"
    ),
    Chart(title="Sent over EFA, bytes a minute", metrics=("efa_sent",), statistic="Sum"),
    Chart(title="Tokens a minute, where the job reports them", metrics=("tokens",), statistic="Sum"),
    Chart(title="Requests on a node", metrics=("waiting_requests", "running_requests"), statistic="Average"),
    Chart(
        title="Host memory and disks, percent used",
        metrics=("mem_used_percent", "disk_used_percent"),
        statistic="Maximum",
    ),
)


def namespace(workload: str) -> str:
    """Where the workload's metrics stand in CloudWatch."""
    return f"Berth/{workload}"


class Figures(Construct):
    """A dashboard of what nodes publish in the workload's namespace, and an alarm."""

    def __init__(self, scope: Construct, construct_id: str, *, build: Build) -> None:
        super().__init__(scope, construct_id)
        self.namespace = namespace(build.name)
        self.dashboard = cloudwatch.CfnDashboard(
            self, "Dashboard", dashboard_body=json.dumps(_dashboard(self.namespace, build.region))
        ).ref
        metric = UTILIZATION.get(build.vendor)
        # The driver reports no utilisation of a GPU that MIG has cut.
        if metric and build.mig is None:
            self._alarm(metric, build.budget_email)
        CfnOutput(
            Stack.of(self),
            "Dashboard",
            value=f"https://{build.region}.console.aws.amazon.com/cloudwatch/home?region={build.region}"
            f"#dashboards/dashboard/{self.dashboard}",
        )

    def _alarm(self, metric: str, email: str | None) -> None:
        """Tells whoever watches the budget; without an address the alarm shows on the console alone."""
        cloudwatch.CfnAlarm(
            self,
            "Idle",
            alarm_description=f"Accelerators below {IDLE_PERCENT}% for an hour, or nothing heard of them",
            namespace=self.namespace,
            metric_name=metric,
            statistic="Average",
            period=IDLE_PERIOD_S,
            evaluation_periods=IDLE_PERIODS,
            comparison_operator="LessThanThreshold",
            threshold=IDLE_PERCENT,
            # Nodes that say nothing are paid like those that do nothing.
            treat_missing_data="breaching",
            alarm_actions=[self._topic(email)] if email else None,
        )

    def _topic(self, email: str) -> str:
        # Large, and needed where there is an address alone.
        from aws_cdk import aws_sns as sns

        topic = sns.CfnTopic(
            self, "Told", subscription=[sns.CfnTopic.SubscriptionProperty(endpoint=email, protocol="email")]
        )
        publish = iam.PolicyStatement(
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            resources=[topic.ref],
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
        encrypted = iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=["sns:Publish"],
            principals=[iam.AnyPrincipal()],
            resources=[topic.ref],
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        sns.CfnTopicPolicy(
            self,
            "ToldPolicy",
            topics=[topic.ref],
            policy_document=iam.PolicyDocument(statements=[publish, encrypted]),
        )
        return topic.ref


class Observability(Figures):
    """The figures, a log group of boots, and the settings of the agent on the nodes, which may change under them."""

    def __init__(self, scope: Construct, construct_id: str, *, build: Build) -> None:
        super().__init__(scope, construct_id, build=build)
        self.log_group = log_group(self, "Log")
        settings = ssm.CfnParameter(self, "Agent", type="String", value=json.dumps(_agent(self, build.vendor)))
        self.agent = settings.ref


def _agent(watched: Observability, vendor: str) -> Mapping[str, Any]:
    """The CloudWatch agent's settings: what each node boots, and measures by itself and together; no single device."""
    collected: dict[str, Any] = {
        "mem": _measured("mem_used_percent"),
        "disk": {**_measured("disk_used_percent"), "resources": ["/", "/opt/dlami/nvme"]},
    }
    if vendor == "NVIDIA":
        collected["nvidia_gpu"] = _measured("nvidia_smi_utilization_gpu", "nvidia_smi_memory_used")
    return {
        "agent": {"metrics_collection_interval": PERIOD_S},
        "metrics": {
            "namespace": watched.namespace,
            "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
            "aggregation_dimensions": [["InstanceId"], []],
            "metrics_collected": collected,
        },
        "logs": {
            "logs_collected": {
                "files": {
                    "collect_list": [
                        {
                            "file_path": BOOT_LOG,
                            "log_group_name": watched.log_group.ref,
                            "log_stream_name": "{instance_id}/boot",
                        }
                    ]
                }
            }
        },
    }


def _measured(*names: str) -> dict[str, Any]:
    """What a section of the agent measures; without the series that only make up the sums."""
    measured = [name.removeprefix("nvidia_smi_").removeprefix("mem_").removeprefix("disk_") for name in names]
    return {"measurement": measured, "drop_original_metrics": measured}


def _dashboard(name: str, region: str) -> Mapping[str, Any]:
    widgets = [
        {
            "type": "metric",
            "x": 12 * (index % 2),
            "y": 6 * (index // 2),
            "width": 12,
            "height": 6,
            "properties": {
                "title": chart.title,
                "region": region,
                "stat": chart.statistic,
                "period": PERIOD_S,
                "metrics": [[name, metric] for metric in chart.metrics],
            },
        }
        for index, chart in enumerate(CHARTS)
    ]
    return {"widgets": widgets}
