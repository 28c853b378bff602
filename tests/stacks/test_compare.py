"""What a new lock would make anew of the stack that stands."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from planner.built import Existing, FileSystem, Image
from planner.plan import Lifecycle, Target
from pricing.offer import Purchase
from pricing.records import replace
from pricing.units import GIB
from stacks.compare import remade
from stacks.errors import StackError
from tests.support.builds import G5_SINGLE, P4D_CLUSTER

HYPERPOD = replace(P4D_CLUSTER, target=Target.HYPERPOD_SLURM)
EKS = replace(
    P4D_CLUSTER,
    target=Target.EKS_NODES,
    existing=Existing(
        eks_cluster="research",
        vpc="vpc-0123456789abcdef0",
        subnet="subnet-0123456789abcdef0",
        security_group="sg-0123456789abcdef0",
    ),
)
VPC = Existing(vpc="vpc-0123456789abcdef0", subnet="subnet-0123456789abcdef0")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"nodes": 8}, "Fleet (AWS::EC2::EC2Fleet) is made anew, and the old one deleted"),
        ({"instance_type": "p4de.24xlarge"}, "Fleet (AWS::EC2::EC2Fleet) is made anew"),
        ({"image": Image(parameter=None, id="ami-0123456789abcdef0")}, "the version of Template, which changes"),
        ({"purchase": Purchase.SPOT}, "TargetCapacitySpecification"),
        ({"root_volume_bytes": 500 * GIB}, "the version of Template, which changes"),
        ({"cidr": "10.1.0.0/16"}, "Fleet (AWS::EC2::EC2Fleet) is made anew"),
        ({"target": Target.HYPERPOD_SLURM}, "Fleet (AWS::EC2::EC2Fleet) is deleted"),
    ],
)
def test_what_replaces_a_cluster_of_ec2(changed: dict[str, Any], words: str) -> None:
    """Whatever stands in create-only properties, or in the launch template, makes the fleet anew, and that is told."""
    assert any(words in each for each in remade(P4D_CLUSTER, replace(P4D_CLUSTER, **changed)))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"expires_at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"budget_usd": Decimal(9), "budget_email": "ml@example.com"},
        {"lifecycle": Lifecycle.PERSISTENT},
    ],
)
@pytest.mark.parametrize("build", [P4D_CLUSTER, G5_SINGLE, HYPERPOD, EKS], ids=["cluster", "single", "hyperpod", "eks"])
def test_what_changes_around_what_stands(build: Any, changed: dict[str, Any]) -> None:
    """A time to live, a budget and the fate of the bucket touch neither nodes nor files nor cluster."""
    assert remade(build, replace(build, **changed)) == ()


@pytest.mark.parametrize("nodes", [2, 8])
def test_a_hyperpod_cluster_grows_and_shrinks_in_place(nodes: int) -> None:
    """Its number of nodes can change while it stands."""
    assert remade(HYPERPOD, replace(HYPERPOD, nodes=nodes)) == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"instance_type": "p5.48xlarge"},
            "Cluster (AWS::SageMaker::Cluster) loses nodes: its instance group compute-",
        ),
        ({"existing": VPC}, "Cluster (AWS::SageMaker::Cluster) is made anew, and the old one deleted: VpcConfig"),
        ({"cidr": "10.1.0.0/16"}, "Cluster (AWS::SageMaker::Cluster) is made anew"),
        ({"target": Target.EFA_CLUSTER}, "Cluster (AWS::SageMaker::Cluster) is deleted"),
    ],
)
def test_what_replaces_a_hyperpod_cluster(changed: dict[str, Any], words: str) -> None:
    """Another network makes the cluster anew, another type ends a group of it, another target all of it."""
    assert any(each.startswith(words) for each in remade(HYPERPOD, replace(HYPERPOD, **changed)))


@pytest.mark.parametrize(
    "changed", [{"instance_type": "p5.48xlarge"}, {"root_volume_bytes": 500 * GIB}, {"nodes": 8}], ids=str
)
def test_what_rolls_the_nodes_of_an_eks_cluster(changed: dict[str, Any]) -> None:
    """A group whose launch template changes stays, and yet its nodes and what runs on them end: that is told."""
    (found,) = remade(EKS, replace(EKS, **changed))
    assert found.startswith("Workers (AWS::EKS::Nodegroup) replaces its nodes one after the other, and ends what runs")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"efa": True, "capacity_gib": 19_200}, "Files"),
        ({"capacity_gib": 4800}, None),
    ],
)
@pytest.mark.parametrize("target", [Target.EFA_CLUSTER, Target.HYPERPOD_SLURM])
def test_what_replaces_a_file_system(target: Target, changed: dict[str, Any], words: str | None) -> None:
    """EFA is had from a creation on, so that asking for it later loses what is in the files; they grow in place."""
    small = FileSystem(capacity_gib=2400, mb_per_s_per_tib=250, data=None, efa=False)
    build = replace(P4D_CLUSTER, target=target, file_system=small)
    lost = [each for each in remade(build, replace(build, file_system=replace(small, **changed))) if "FSx" in each]
    assert bool(lost) == (words is not None)
    assert all(each.startswith(str(words)) and "with the data in it" in each for each in lost)


def test_a_stack_that_can_no_longer_be_built_must_not_be_lost_unasked() -> None:
    """Where the old lock is refused today, that is said in place of a comparison; a new one that is refused fails."""
    wrong = replace(P4D_CLUSTER, purchase=Purchase.CAPACITY_BLOCK)
    assert remade(wrong, P4D_CLUSTER)[0].startswith("the stack that stands cannot be compared: A capacity block")
    with pytest.raises(StackError):
        remade(P4D_CLUSTER, wrong)
