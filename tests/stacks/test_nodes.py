"""One node: its interfaces, its disk, and its launch template."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from planner.plan import Build, Lifecycle
from pricing.records import replace
from stacks.errors import StackError
from stacks.parts.nodes import efa_nics
from tests.support.builds import FAMILIES, G5_SINGLE, P4D_CLUSTER, P4D_SINGLE, Family
from tests.support.synthesis import document, launch_data

EACH_FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.instance_type)
SINGLES = pytest.mark.parametrize("build", [G5_SINGLE, P4D_SINGLE], ids=["g5", "p4d"])


@EACH_FAMILY
def test_a_node_has_every_efa_device_of_its_type(family: Family) -> None:
    """There is one EFA-only interface on each card that takes one, and the interface with the address."""
    nics = launch_data(family.build)["NetworkInterfaces"]
    assert len(nics) == family.nics
    kinds = Counter(nic["InterfaceType"] for nic in nics)
    assert kinds == Counter({"interface": 1, "efa-only": len(family.efa_cards)})
    assert {nic["NetworkCardIndex"] for nic in nics if nic["InterfaceType"] == "efa-only"} == set(family.efa_cards)


@EACH_FAMILY
def test_only_the_primary_interface_has_an_address(family: Family) -> None:
    """Card 0's first place holds the one interface that speaks IP; EFA-only can never be the primary."""
    nics = launch_data(family.build)["NetworkInterfaces"]
    primary = [nic for nic in nics if (nic["NetworkCardIndex"], nic["DeviceIndex"]) == (0, 0)]
    assert [nic["InterfaceType"] for nic in primary] == ["interface"]


@EACH_FAMILY
def test_interfaces_fit_on_their_cards(family: Family) -> None:
    """No two interfaces share a place, and none is beyond what its card takes."""
    nics = launch_data(family.build)["NetworkInterfaces"]
    places = [(nic["NetworkCardIndex"], nic["DeviceIndex"]) for nic in nics]
    assert len(set(places)) == len(places)
    assert all(card < family.cards and device < family.slots for card, device in places)


@EACH_FAMILY
def test_groups_stand_on_every_interface_and_nowhere_else(family: Family) -> None:
    """EC2 refuses groups beside interfaces, and public addresses on more than one."""
    data = launch_data(family.build)
    assert "SecurityGroupIds" not in data
    for nic in data["NetworkInterfaces"]:
        assert len(nic["Groups"]) == 1
        assert nic["DeleteOnTermination"] is True
        assert "AssociatePublicIpAddress" not in nic


@SINGLES
def test_a_single_instance_has_one_ordinary_interface(build: Build) -> None:
    """One node needs no EFA even where its type has it; RunInstances wants the subnet on the interface."""
    (nic,) = launch_data(build)["NetworkInterfaces"]
    assert nic["InterfaceType"] == "interface"
    assert nic["SubnetId"]["Ref"].startswith("NetworkCompute")


@pytest.mark.parametrize(
    ("efa_cards", "nic_slots"),
    [((0,), (1,)), ((0, 4), (15, 15, 15, 15))],
    ids=["no second place on card 0", "a card that is not there"],
)
def test_a_layout_that_does_not_fit_is_refused(efa_cards: tuple[int, ...], nic_slots: tuple[int, ...]) -> None:
    """Cards without room are an error that names the type and the card."""
    with pytest.raises(StackError, match=rf"'p4d\.24xlarge'.*card {efa_cards[-1]}\."):
        efa_nics(instance_type="p4d.24xlarge", efa_cards=efa_cards, nic_slots=nic_slots)


@SINGLES
def test_metadata_needs_a_token_and_reaches_containers(build: Build) -> None:
    """IMDSv2 is required, and one hop more than the host is allowed."""
    assert launch_data(build)["MetadataOptions"] == {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
    }


@pytest.mark.parametrize(
    ("parameter", "device"),
    [
        (
            "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id",
            "/dev/sda1",
        ),
        ("/aws/service/neuron/dlami/base/amazon-linux-2023/latest/image_id", "/dev/xvda"),
        ("", "/dev/sda1"),
    ],
    ids=["ubuntu", "amazon-linux", "own image"],
)
def test_the_root_volume_is_the_images_own(parameter: str, device: str) -> None:
    """The planned size goes on the image's root device, encrypted, as gp3, and goes with the node."""
    image = replace(P4D_SINGLE.image, parameter=parameter, id="ami-00000000000000001")
    (mapping,) = launch_data(replace(P4D_SINGLE, image=image))["BlockDeviceMappings"]
    assert mapping["DeviceName"] == device
    assert mapping["Ebs"] == {
        "VolumeType": "gp3",
        "VolumeSize": 300,
        "Encrypted": True,
        "DeleteOnTermination": True,
    }


def test_a_node_that_shuts_down_stops_costing() -> None:
    """A shutdown from inside ends the instance, and it is watched by the minute while it runs."""
    data = launch_data(P4D_CLUSTER)
    assert data["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert data["Monitoring"] == {"Enabled": True}


def test_nodes_and_their_disks_carry_the_cost_tag() -> None:
    """What a fleet launches is tagged by the template, for bills and for finding it."""
    tags = {spec["ResourceType"]: spec["Tags"] for spec in launch_data(P4D_CLUSTER)["TagSpecifications"]}
    assert set(tags) == {"instance", "volume"}
    assert all({"Key": "berth:workload", "Value": "train70b"} in found for found in tags.values())


def test_what_does_not_change_a_node_does_not_change_its_template() -> None:
    """Lifecycle, time to live and budget may change without relaunching nodes."""
    changed = replace(
        P4D_CLUSTER,
        lifecycle=Lifecycle.PERSISTENT,
        expires_at=datetime(2027, 1, 2, tzinfo=UTC),
        budget_usd=Decimal(100),
        budget_email="finance@example.com",
    )
    for name in ("Template", "Fleet", "Placement"):
        before, after = (document(build)["Resources"][name] for build in (P4D_CLUSTER, changed))
        assert before["Properties"] == after["Properties"]


def test_logical_ids_do_not_name_the_instance_type() -> None:
    """Another instance type changes resources in place of adding others."""
    first, second = (set(document(family.build)["Resources"]) for family in FAMILIES[:2])
    assert first == second
    assert not any(re.search(r"p4d|24xlarge", name, re.IGNORECASE) for name in first)


@pytest.mark.parametrize(
    "resource_type",
    ["AWS::EC2::LaunchTemplate", "AWS::EC2::PlacementGroup", "AWS::IAM::Role", "AWS::S3::Bucket"],
)
def test_nothing_that_may_be_replaced_has_a_name_of_its_own(resource_type: str) -> None:
    """CloudFormation makes the new one before it deletes the old one, so that equal names would collide."""
    names = {"LaunchTemplateName", "GroupName", "RoleName", "BucketName"}
    for resource in document(P4D_CLUSTER)["Resources"].values():
        if resource["Type"] == resource_type:
            assert not names & set(resource.get("Properties", {}))
