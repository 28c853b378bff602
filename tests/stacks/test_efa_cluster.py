"""The cluster: all nodes or none, together, and gone with the stack."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aws_cdk.assertions import Match

from planner.plan import Build
from pricing.offer import Purchase
from pricing.records import replace
from tests.support.builds import P4D_CLUSTER
from tests.support.synthesis import ancestors, document, launch_data, only, properties, template

TARGET = "cr-0123456789abcdef0"
SPOT = replace(P4D_CLUSTER, purchase=Purchase.SPOT)
BLOCK = replace(P4D_CLUSTER, purchase=Purchase.CAPACITY_BLOCK, reservation_id=TARGET)
RESERVED = replace(P4D_CLUSTER, reservation_id=TARGET)
GUARDED = replace(P4D_CLUSTER, expires_at=datetime(2027, 1, 1, tzinfo=UTC))
EVERY_PURCHASE = pytest.mark.parametrize(
    "build", [P4D_CLUSTER, SPOT, BLOCK, RESERVED], ids=["on-demand", "spot", "block", "reserved"]
)
ALL_OR_NOTHING = {
    "SingleInstanceType": True,
    "SingleAvailabilityZone": True,
    "MinTargetCapacity": 4,
}


@EVERY_PURCHASE
def test_all_nodes_are_one_request(build: Build) -> None:
    """The fleet asks once for all nodes: one type, the nodes' subnet, the template's last version."""
    fleet = only(build, "AWS::EC2::EC2Fleet")
    assert fleet["Type"] == "instant"
    assert fleet["TargetCapacitySpecification"]["TotalTargetCapacity"] == 4
    (config,) = fleet["LaunchTemplateConfigs"]
    assert config["LaunchTemplateSpecification"] == {
        "LaunchTemplateId": {"Ref": "Template"},
        "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
    }
    (override,) = config["Overrides"]
    assert override["InstanceType"] == "p4d.24xlarge"
    assert override["SubnetId"]["Ref"].startswith("NetworkCompute")


@EVERY_PURCHASE
def test_the_subnet_comes_from_the_fleet_alone(build: Build) -> None:
    """CreateFleet's override supplies the subnet, so that no interface of the template names one."""
    assert not any("SubnetId" in nic for nic in launch_data(build)["NetworkInterfaces"])


@pytest.mark.parametrize(
    ("build", "pool", "options"),
    [
        (P4D_CLUSTER, "on-demand", {"OnDemandOptions"}),
        (RESERVED, "on-demand", {"OnDemandOptions"}),
        (SPOT, "spot", {"SpotOptions"}),
        (BLOCK, "capacity-block", set()),
    ],
    ids=["on-demand", "reserved", "spot", "block"],
)
def test_all_nodes_or_none(build: Build, pool: str, options: set[str]) -> None:
    """The fleet launches nothing below its full size; a block has no such option, but the report."""
    fleet = only(build, "AWS::EC2::EC2Fleet")
    assert fleet["TargetCapacitySpecification"]["DefaultTargetCapacityType"] == pool
    assert {key for key in fleet if key.endswith("Options")} == options
    for key in options:
        assert ALL_OR_NOTHING.items() <= fleet[key].items()


@pytest.mark.parametrize(
    ("build", "market", "reserved", "placed"),
    [
        (P4D_CLUSTER, None, False, True),
        (SPOT, "spot", False, True),
        (BLOCK, "capacity-block", True, False),
        (RESERVED, None, True, False),
    ],
    ids=["on-demand", "spot", "block", "reserved"],
)
def test_the_template_says_how_nodes_are_bought(build: Build, market: str | None, reserved: bool, placed: bool) -> None:
    """Market, reservation and placement group exclude each other as EC2's purchase modes do."""
    data = launch_data(build)
    assert data.get("InstanceMarketOptions", {}).get("MarketType") == market
    target = data.get("CapacityReservationSpecification", {}).get("CapacityReservationTarget", {})
    assert target.get("CapacityReservationId") == (TARGET if reserved else None)
    assert ("Placement" in data) == placed
    assert len(properties(build, "AWS::EC2::PlacementGroup")) == placed


def test_a_spot_node_is_asked_for_once() -> None:
    """A fleet's spot request is one-time, and an interruption ends the node."""
    assert launch_data(SPOT)["InstanceMarketOptions"]["SpotOptions"] == {
        "SpotInstanceType": "one-time",
        "InstanceInterruptionBehavior": "terminate",
    }


def test_nodes_stand_close_together() -> None:
    """On demand, the nodes share a cluster placement group."""
    template(P4D_CLUSTER).has_resource_properties("AWS::EC2::PlacementGroup", {"Strategy": "cluster"})
    assert launch_data(P4D_CLUSTER)["Placement"] == {"GroupName": {"Ref": "Placement"}}


def test_nodes_go_before_what_they_hold() -> None:
    """All but the readiness check is made before the fleet, and deleted after it, the guard included."""
    resources = document(GUARDED)["Resources"]
    later = {"AWS::EC2::EC2Fleet", "AWS::CloudFormation::WaitCondition"}
    assert ancestors(GUARDED, "Fleet") == {
        name for name, resource in resources.items() if resource["Type"] not in later
    }


def test_the_stack_waits_for_a_report_of_every_node() -> None:
    """The deployment fails unless each of the four nodes reports that it is as planned."""
    template(P4D_CLUSTER).has_resource(
        "AWS::CloudFormation::WaitCondition",
        {"Properties": {"Count": 4, "Handle": Match.any_value()}, "DependsOn": ["Fleet"]},
    )


def test_another_number_of_nodes_waits_anew() -> None:
    """A wait condition cannot change, so that its logical id follows the number of nodes."""
    ids = [
        {name for name in document(build)["Resources"] if name.startswith("Ready")}
        for build in (P4D_CLUSTER, replace(P4D_CLUSTER, nodes=8))
    ]
    assert not ids[0] & ids[1]


def test_outputs_say_where_the_nodes_are() -> None:
    """VPC, dashboard, bucket and fleet are named, and how to list the nodes and to reach one."""
    outputs = document(P4D_CLUSTER)["Outputs"]
    assert set(outputs) == {"VpcId", "Dashboard", "BucketName", "BeforeDestroy", "FleetId", "Nodes", "Connect"}
    assert "aws ssm start-session --region us-east-1" in outputs["Connect"]["Value"]
