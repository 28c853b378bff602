"""The single instance."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from planner.plan import Build
from pricing.offer import Purchase
from pricing.records import replace
from stacks.errors import StackError
from tests.support.builds import G5_SINGLE, P4D_SINGLE
from tests.support.synthesis import ancestors, document, launch_data, only, properties, stack

SINGLES = pytest.mark.parametrize("build", [G5_SINGLE, P4D_SINGLE], ids=["one gpu", "eight gpus"])
GUARDED = replace(P4D_SINGLE, expires_at=datetime(2027, 1, 1, tzinfo=UTC))
TARGET = "cr-0123456789abcdef0"


@SINGLES
def test_one_instance_through_its_launch_template(build: Build) -> None:
    """The instance takes everything from the template's last version, and names no subnet or group itself."""
    instance = only(build, "AWS::EC2::Instance")
    assert instance["InstanceType"] == build.instance_type
    assert instance["LaunchTemplate"] == {
        "LaunchTemplateId": {"Ref": "Template"},
        "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
    }
    assert not {"SubnetId", "SecurityGroupIds", "SecurityGroups", "NetworkInterfaces"} & set(instance)


@SINGLES
def test_image_and_type_are_the_same_in_both_places(build: Build) -> None:
    """What the instance states beside its template is what the template says."""
    instance, data = only(build, "AWS::EC2::Instance"), launch_data(build)
    assert (instance["ImageId"], instance["InstanceType"]) == (data["ImageId"], data["InstanceType"])


@SINGLES
def test_one_node_needs_no_fleet_and_no_placement(build: Build) -> None:
    """There is neither a fleet nor a placement group, and one report is waited for."""
    assert properties(build, "AWS::EC2::EC2Fleet") == []
    assert properties(build, "AWS::EC2::PlacementGroup") == []
    assert only(build, "AWS::CloudFormation::WaitCondition")["Count"] == 1


@pytest.mark.parametrize(
    ("purchase", "reservation", "market"),
    [
        (Purchase.ON_DEMAND, None, None),
        (Purchase.SPOT, None, "spot"),
        (Purchase.CAPACITY_BLOCK, TARGET, "capacity-block"),
    ],
)
def test_the_template_says_how_the_node_is_bought(
    purchase: Purchase, reservation: str | None, market: str | None
) -> None:
    """An instance has no field for its market or reservation; its launch template does."""
    data = launch_data(replace(P4D_SINGLE, purchase=purchase, reservation_id=reservation))
    assert data.get("InstanceMarketOptions", {}).get("MarketType") == market
    assert ("CapacityReservationSpecification" in data) == (reservation is not None)


def test_the_node_goes_before_what_it_holds() -> None:
    """All but the readiness check is made before the instance, and deleted after it."""
    resources = document(GUARDED)["Resources"]
    later = {"AWS::EC2::Instance", "AWS::CloudFormation::WaitCondition"}
    assert ancestors(GUARDED, "Node") == {name for name, resource in resources.items() if resource["Type"] not in later}


def test_outputs_name_the_instance() -> None:
    """The instance's id and the session that reaches it are among the outputs."""
    outputs = document(G5_SINGLE)["Outputs"]
    assert set(outputs) == {"VpcId", "Dashboard", "BucketName", "BeforeDestroy", "InstanceId", "Connect"}
    assert outputs["InstanceId"]["Value"] == {"Ref": "Node"}


def test_several_nodes_are_not_a_single_instance() -> None:
    """A plan of two nodes for this target is an error, not a stack of one."""
    with pytest.raises(StackError, match="plans 2 nodes"):
        stack(replace(G5_SINGLE, nodes=2))
