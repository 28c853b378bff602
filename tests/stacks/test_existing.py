"""What stands in the account already, used by its id."""

from __future__ import annotations

from typing import Any

import pytest

from planner.built import Existing
from planner.plan import Build, Target
from pricing.errors import BerthError
from pricing.records import replace
from stacks.verify.check import check
from tests.support.builds import G5_FLEET, G5_SINGLE, P4D_CLUSTER
from tests.support.synthesis import document, launch_data, only, properties, stack
from tests.support.templates import from_document

VPC, SUBNET = "vpc-0123456789abcdef0", "subnet-0123456789abcdef0"
GROUP, ROUTES = "sg-0123456789abcdef0", "rtb-0123456789abcdef0"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
IN_SUBNET = Existing(vpc=VPC, subnet=SUBNET, security_group=GROUP)
JOINED = Existing(vpc=VPC, route_table=ROUTES)
EACH = pytest.mark.parametrize("build", [G5_SINGLE, P4D_CLUSTER], ids=["single", "cluster"])


def kinds(build: Build) -> set[str]:
    """The types of all resources."""
    return {each["Type"] for each in document(build)["Resources"].values()}


@EACH
def test_in_an_existing_subnet_no_network_is_made(build: Build) -> None:
    """Nodes start in the subnet that is named, and nothing of a network is made or billed beside it."""
    placed = replace(build, existing=IN_SUBNET)
    assert not {each for each in kinds(placed) if each.removeprefix("AWS::EC2::") in {"VPC", "Subnet", "NatGateway"}}
    assert SUBNET in str(document(placed)["Resources"])
    assert "Vpc" not in str(only(placed, "AWS::EC2::SecurityGroup")["VpcId"])


def test_nodes_join_an_existing_group_beside_their_own() -> None:
    """The stack's own group still lets EFA pass, whatever the other does; every interface is in both."""
    placed = replace(P4D_CLUSTER, existing=IN_SUBNET)
    own = only(placed, "AWS::EC2::SecurityGroupIngress")["GroupId"]
    assert all(nic["Groups"] == [own, GROUP] for nic in launch_data(placed)["NetworkInterfaces"])


def test_a_new_subnet_joins_an_existing_network() -> None:
    """With a block and a route table the stack makes one subnet, in the planned zone, and leads it out there."""
    placed = replace(P4D_CLUSTER, cidr="10.9.0.0/24", existing=JOINED)
    subnet = only(placed, "AWS::EC2::Subnet")
    assert (subnet["VpcId"], subnet["CidrBlock"], subnet["AvailabilityZoneId"]) == (VPC, "10.9.0.0/24", "use1-az6")
    assert only(placed, "AWS::EC2::SubnetRouteTableAssociation")["RouteTableId"] == ROUTES
    assert "AWS::EC2::NatGateway" not in kinds(placed)


def test_the_vpc_takes_the_block_that_is_asked_for() -> None:
    """All subnets lie in the block of provision.cidr."""
    placed = replace(P4D_CLUSTER, cidr="10.9.0.0/20")
    assert only(placed, "AWS::EC2::VPC")["CidrBlock"] == "10.9.0.0/20"
    assert {each["CidrBlock"] for each in properties(placed, "AWS::EC2::Subnet")} == {"10.9.0.0/28", "10.9.8.0/24"}


@EACH
def test_an_existing_key_encrypts_disks_and_bucket(build: Build) -> None:
    """Root volumes and the bucket are encrypted with the key that is named, which the nodes may use for the bucket."""
    keyed = replace(build, existing=Existing(key=KEY))
    assert [each["Ebs"]["KmsKeyId"] for each in launch_data(keyed)["BlockDeviceMappings"]] == [KEY]
    (rule,) = only(keyed, "AWS::S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"KMSMasterKeyID": KEY, "SSEAlgorithm": "aws:kms"}
    assert "kms:GenerateDataKey" in str(properties(keyed, "AWS::IAM::Role"))


@pytest.mark.parametrize("target", [Target.EFA_CLUSTER, Target.HYPERPOD_SLURM])
def test_every_role_is_bounded(target: Target) -> None:
    """The permissions boundary stands on each role of the stack."""
    bounded = replace(P4D_CLUSTER, target=target, existing=Existing(permissions_boundary=BOUNDARY))
    assert {each.get("PermissionsBoundary") for each in properties(bounded, "AWS::IAM::Role")} == {BOUNDARY}


def test_a_reservations_placement_group_is_launched_into() -> None:
    """The group in which the reservation was made is named, and none is made."""
    held = replace(P4D_CLUSTER, reservation_id="cr-0123456789abcdef0", existing=Existing(placement_group="block-a"))
    assert launch_data(held)["Placement"] == {"GroupName": "block-a"}
    assert "AWS::EC2::PlacementGroup" not in kinds(held)


@pytest.mark.parametrize(
    "changed",
    [{"existing": IN_SUBNET}, {"cidr": "10.9.0.0/24", "existing": JOINED}, {"existing": Existing(key=KEY)}],
    ids=["subnet", "joined", "key"],
)
@EACH
def test_the_same_checks_hold(build: Build, changed: dict[str, Any]) -> None:
    """No rule of severity error is broken; what only the account knows is said to be unknown."""
    found = check(from_document("existing", document(replace(build, **changed))))
    assert [each.message for each in found if each.failing] == []


@pytest.mark.parametrize(
    ("build", "changed", "words"),
    [
        (P4D_CLUSTER, {"existing": Existing(vpc=VPC)}, "neither a subnet of it"),
        (P4D_CLUSTER, {"cidr": "10.9.0.0/28", "existing": JOINED}, "is smaller"),
        (P4D_CLUSTER, {"cidr": "10.9.0.0/28"}, r"Change provision\.cidr"),
        (replace(P4D_CLUSTER, nodes=200), {"cidr": "10.9.0.0/24"}, r"widen provision\.cidr"),
        (G5_FLEET, {"existing": IN_SUBNET}, "stands in two of its subnets"),
    ],
)
def test_a_network_that_cannot_hold_the_nodes_is_refused(build: Build, changed: dict[str, Any], words: str) -> None:
    """What EC2 would refuse after minutes is refused at synthesis, with what to change."""
    with pytest.raises(BerthError, match=words):
        stack(replace(build, **changed))
