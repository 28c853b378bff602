"""Nodes that join an EKS cluster which stands."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from planner.built import Existing, Image, Mig
from planner.plan import Build, Target
from pricing.offer import Purchase
from pricing.records import replace
from stacks.errors import StackError
from stacks.verify.check import check
from tests.stacks.test_file_system import CLUSTER as SHARING
from tests.support.builds import FAMILIES, P4D_CLUSTER
from tests.support.synthesis import ancestors, document, launch_data, only, properties, stack
from tests.support.templates import from_document

HELD = "cr-0123456789abcdef0"
GIVEN = Existing(
    eks_cluster="research",
    vpc="vpc-0123456789abcdef0",
    subnet="subnet-0123456789abcdef0",
    security_group="sg-0123456789abcdef0",
)
EKS = replace(P4D_CLUSTER, target=Target.EKS_NODES, existing=GIVEN, image=Image(parameter=None, id=None))
SPOT = replace(EKS, purchase=Purchase.SPOT)
BLOCK = replace(EKS, purchase=Purchase.CAPACITY_BLOCK, reservation_id=HELD)


def nodes(build: Build = EKS) -> dict[str, Any]:
    return only(build, "AWS::EKS::Nodegroup")


@pytest.mark.parametrize(
    "build",
    [EKS, SPOT, BLOCK, replace(EKS, reservation_id=HELD), replace(EKS, nodes=1)],
    ids=["on demand", "spot", "block", "reservation", "one node"],
)
def test_it_keeps_the_verifiers_rules(build: Build) -> None:
    """No rule of severity error or warning is broken."""
    found = check(from_document("eks", document(build)))
    assert {each.rule.id for each in found if each.rule.severity != "info"} == set()


def test_the_nodes_join_the_cluster_that_is_named() -> None:
    """All planned nodes, no more and no fewer, in the named cluster and subnet; nothing of a cluster is made."""
    group = nodes()
    assert (group["ClusterName"], group["Subnets"]) == ("research", ["subnet-0123456789abcdef0"])
    assert group["ScalingConfig"] == {"MinSize": 4, "MaxSize": 4, "DesiredSize": 4}
    assert group["Labels"] == {"berth/workload": "train70b"}
    assert "NodegroupName" not in group
    kinds = {each["Type"] for each in document(EKS)["Resources"].values()}
    assert not kinds & {"AWS::EKS::Cluster", "AWS::EC2::VPC", "AWS::EC2::Subnet"}


@pytest.mark.parametrize(
    ("instance_type", "kind"),
    [
        ("p4d.24xlarge", "AL2023_x86_64_NVIDIA"),
        ("p6e-gb200.36xlarge", "AL2023_ARM_64_NVIDIA"),
        ("trn2.48xlarge", "AL2023_x86_64_NEURON"),
    ],
)
def test_eks_boots_its_own_image_for_the_accelerator(instance_type: str, kind: str) -> None:
    """The kind of image follows processor and accelerator, and the template names none."""
    family = next(each.build for each in FAMILIES if each.instance_type == instance_type)
    build = replace(family, target=Target.EKS_NODES, existing=GIVEN)
    assert nodes(build)["AmiType"] == kind
    assert "ImageId" not in launch_data(build)
    assert {each["DeviceName"] for each in launch_data(build)["BlockDeviceMappings"]} == {"/dev/xvda"}


@pytest.mark.parametrize("build", [EKS, SPOT, BLOCK], ids=["on demand", "spot", "block"])
def test_the_template_leaves_to_eks_what_is_its_own(build: Build) -> None:
    """Neither profile, subnet, shutdown nor spot stands in it, and the type stands there alone: EKS refuses these."""
    data = launch_data(build)
    assert not {"IamInstanceProfile", "InstanceInitiatedShutdownBehavior", "SecurityGroupIds"} & data.keys()
    assert not any("SubnetId" in nic for nic in data["NetworkInterfaces"])
    assert data.get("InstanceMarketOptions") in (None, {"MarketType": "capacity-block"})
    assert data["InstanceType"] == "p4d.24xlarge" and "InstanceTypes" not in nodes(build)


@pytest.mark.parametrize(
    ("build", "kind", "placed"),
    [(EKS, "ON_DEMAND", 1), (SPOT, "SPOT", 1), (BLOCK, "CAPACITY_BLOCK", 0), (replace(EKS, nodes=1), "ON_DEMAND", 0)],
    ids=["on demand", "spot", "block", "one node"],
)
def test_the_capacity_type_is_that_of_the_purchase(build: Build, kind: str, placed: int) -> None:
    """EKS's own name of it; a block has no placement group, nor has one node."""
    assert nodes(build)["CapacityType"] == kind
    assert len(properties(build, "AWS::EC2::PlacementGroup")) == placed


def test_every_node_has_its_efa_devices_in_both_groups() -> None:
    """The stack's group lets EFA pass, the cluster's lets the control plane in: EKS adds it to no named groups."""
    nics = launch_data(EKS)["NetworkInterfaces"]
    assert [nic["InterfaceType"] for nic in nics] == ["interface"] + ["efa-only"] * 4
    own = only(EKS, "AWS::EC2::SecurityGroupEgress")["DestinationSecurityGroupId"]
    assert all(nic["Groups"] == [own, "sg-0123456789abcdef0"] for nic in nics)
    assert len(launch_data(replace(EKS, nodes=1))["NetworkInterfaces"]) == 1


def test_an_update_needs_no_second_capacity() -> None:
    """Old nodes go before new ones come, one at a time."""
    assert nodes()["UpdateConfig"] == {"MaxUnavailable": 1, "UpdateStrategy": "MINIMAL"}


def test_the_role_is_that_of_a_node() -> None:
    """EC2 assumes it; beside EKS's own policies it writes the stack's bucket and its metrics alone."""
    (role,) = (each for each in properties(EKS, "AWS::IAM::Role") if "ec2.amazonaws.com" in str(each))
    assert sorted(arn["Fn::Join"][1][-1].rpartition("/")[2] for arn in role["ManagedPolicyArns"]) == [
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonSSMManagedInstanceCore",
    ]
    assert {each["PolicyName"] for each in role["Policies"]} == {"Metrics", "Bucket"}


def test_the_boot_is_one_part_that_publishes_what_it_counts() -> None:
    """What EKS merges with its own parts is a MIME document, with a script that bash accepts, and starts no kubelet."""
    text = launch_data(EKS)["UserData"]["Fn::Base64"]
    head, _, part = text.partition("\n\n#!/bin/bash\n")
    assert head.startswith("MIME-Version: 1.0\n") and 'Content-Type: text/x-shellscript; charset="us-ascii"' in head
    script, _, end = part.rpartition("\n--==BERTH==--")
    assert end.strip() == "" and "kubelet" not in script and "BERTH_EFA_DEVICES=4" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert only(EKS, "AWS::CloudWatch::Alarm")["Namespace"] == "Berth/train70b"


def test_everything_stands_before_the_nodes() -> None:
    """Nodes are made last and deleted first: group, rules, role and bucket stand while they do."""
    before = {document(EKS)["Resources"][name]["Type"] for name in ancestors(EKS, "Workers")}
    assert {"AWS::EC2::SecurityGroupEgress", "AWS::IAM::Role", "AWS::S3::Bucket"} <= before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"existing": replace(GIVEN, eks_cluster=None)}, "eks_cluster, vpc and security_group"),
        ({"existing": replace(GIVEN, security_group=None)}, "eks_cluster, vpc and security_group"),
        ({"existing": replace(GIVEN, file_system="fs-0123456789abcdef0", mount_name="fsx")}, "FSx CSI driver"),
        ({"file_system": SHARING.file_system}, "FSx CSI driver"),
        ({"mig": Mig(profile="1g.5gb", instances=7)}, "GPU operator"),
        ({"instance_type": "g7.xlarge"}, "no image with the driver of 'g7.xlarge'"),
        ({"purchase": Purchase.SPOT, "reservation_id": HELD}, "Spot nodes cannot run"),
    ],
)
def test_what_eks_has_not_is_refused(changed: dict[str, Any], words: str) -> None:
    """A plan that EKS would refuse after minutes is refused at synthesis, with what to change."""
    with pytest.raises(StackError, match=words):
        stack(replace(EKS, **changed))
