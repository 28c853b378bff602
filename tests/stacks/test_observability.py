"""What is seen of the nodes, and who is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.built import Mig
from planner.plan import Build
from pricing.records import replace
from tests.support.builds import FAMILIES, G5_SINGLE, P4D_CLUSTER, P4D_SINGLE
from tests.support.synthesis import document, launch_data, only, properties

TRN2 = next(family.build for family in FAMILIES if family.instance_type == "trn2.48xlarge")
TOLD = replace(P4D_CLUSTER, budget_email="ml@example.com")


def settings(build: Build) -> dict[str, Any]:
    """What the agent is told to measure."""
    found: dict[str, Any] = json.loads(written(build))
    return found


def written(build: Build) -> str:
    """The parameter's text, with words for what only the deployment knows."""
    pieces = only(build, "AWS::SSM::Parameter")["Value"]["Fn::Join"][1]
    return "".join(piece if isinstance(piece, str) else piece["Ref"] for piece in pieces)


def test_the_agent_measures_accelerators_memory_and_disks_of_all_nodes_together() -> None:
    """Series for each node and for all of them, in the workload's namespace, and none for each single GPU."""
    found = settings(P4D_CLUSTER)["metrics"]
    assert found["namespace"] == "Berth/train70b"
    assert found["aggregation_dimensions"] == [["InstanceId"], []]
    assert found["metrics_collected"].keys() == {"nvidia_gpu", "mem", "disk"}
    gpus = found["metrics_collected"]["nvidia_gpu"]
    assert gpus["measurement"] == gpus["drop_original_metrics"] == ["utilization_gpu", "memory_used"]


def test_neuron_devices_are_measured_by_the_node_itself() -> None:
    """The agent knows no Neuron devices; the node publishes their use beside it."""
    assert "nvidia_gpu" not in settings(TRN2)["metrics"]["metrics_collected"]
    assert "neuron-monitor" in json.dumps(launch_data(TRN2)["UserData"])


def test_the_settings_may_change_under_running_nodes() -> None:
    """The launch template names the parameter that holds them, so that new settings replace no node."""
    data = json.dumps(launch_data(P4D_CLUSTER)["UserData"])
    assert "ObservabilityAgent" in data and "aggregation_dimensions" not in data
    assert len(written(P4D_CLUSTER)) < 4000


@pytest.mark.parametrize(
    ("build", "metric"),
    [(P4D_CLUSTER, "nvidia_smi_utilization_gpu"), (TRN2, "neuroncore_utilization")],
    ids=["gpu", "neuron"],
)
def test_an_alarm_finds_idle_accelerators(build: Build, metric: str) -> None:
    """Below 5 % for an hour, or silent for as long, which costs the same."""
    alarm = only(build, "AWS::CloudWatch::Alarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == (f"Berth/{build.name}", metric)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3600
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 5)
    assert alarm["TreatMissingData"] == "breaching"


def test_what_nobody_measures_raises_no_alarm() -> None:
    """Accelerators without a probe, and GPUs that MIG has cut, would look idle for ever."""
    assert properties(replace(G5_SINGLE, vendor="AMD"), "AWS::CloudWatch::Alarm") == []
    cut = replace(P4D_SINGLE, mig=Mig(profile="1g.5gb", instances=7))
    assert properties(cut, "AWS::CloudWatch::Alarm") == []


def test_the_alarm_writes_to_whoever_watches_the_budget() -> None:
    """The address is told through a topic that takes messages over TLS, from alarms of this account."""
    topic = only(TOLD, "AWS::SNS::Topic")
    assert topic["Subscription"] == [{"Endpoint": "ml@example.com", "Protocol": "email"}]
    (action,) = only(TOLD, "AWS::CloudWatch::Alarm")["AlarmActions"]
    assert action["Ref"].startswith("ObservabilityTold")
    allowed, denied = only(TOLD, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert properties(P4D_CLUSTER, "AWS::SNS::Topic") == []


def test_one_dashboard_shows_the_workload() -> None:
    """Use, memory, network and tokens, each from the workload's namespace in its region."""
    body = json.loads(only(P4D_CLUSTER, "AWS::CloudWatch::Dashboard")["DashboardBody"])
    charts = [widget["properties"] for widget in body["widgets"]]
    assert {chart["region"] for chart in charts} == {"us-east-1"}
    shown = {name for chart in charts for _, name in chart["metrics"]}
    assert {"nvidia_smi_utilization_gpu", "nvidia_smi_memory_used", "efa_sent", "tokens"} <= shown
    assert {space for chart in charts for space, _ in chart["metrics"]} == {"Berth/train70b"}


def test_what_a_boot_says_can_be_read_when_it_has_failed() -> None:
    """The agent starts before anything that can fail, and keeps each node's boot in the stack's log group."""
    (log,) = settings(P4D_CLUSTER)["logs"]["logs_collected"]["files"]["collect_list"]
    assert log["log_group_name"].startswith("ObservabilityLog")
    assert log["log_stream_name"] == "{instance_id}/boot"
    assert "steps='start_agent " in json.dumps(launch_data(P4D_CLUSTER)["UserData"])


def test_logs_end() -> None:
    """Every log group has a time of retention, and goes with its stack."""
    groups = [each for each in document(P4D_CLUSTER)["Resources"].values() if each["Type"] == "AWS::Logs::LogGroup"]
    assert [(each["Properties"]["RetentionInDays"], each["DeletionPolicy"]) for each in groups] == [(30, "Delete")] * 2
