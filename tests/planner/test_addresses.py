"""Are addresses and interfaces counted as EC2 counts them?"""

from __future__ import annotations

import pytest

from planner.addresses import beside_nodes, interface_warnings, most_nodes, network_sentence
from planner.built import Existing, FileSystem
from planner.errors import NoFeasiblePlan
from planner.plan import Build, Target
from pricing.records import replace
from tests.support.builds import FAMILIES, G5_FLEET, G5_SINGLE, P4D_CLUSTER

P5 = next(family.build for family in FAMILIES if family.instance_type == "p5.48xlarge")
JOINED = Existing(vpc="vpc-01234567", route_table="rtb-01234567")
SHARED = FileSystem(capacity_gib=4800, mb_per_s_per_tib=250, data=None, efa=False)


def test_a_fleet_counts_its_most_nodes() -> None:
    """Addresses must last for all nodes that scaling may start; a file system's servers come on top."""
    assert (most_nodes(G5_FLEET), most_nodes(P4D_CLUSTER)) == (6, 4)
    assert beside_nodes(replace(P4D_CLUSTER, file_system=SHARED)) == 2 + 4


@pytest.mark.parametrize(
    ("build", "allowed", "said"),
    [
        (
            P5,
            None,
            "4 nodes, one each, and as many again; 132 network interfaces, 33 a node, of the 5,000 that a region",
        ),
        (P5, 100, "33 a node, of the 100 that the account may have"),
        (
            G5_SINGLE,
            None,
            "a private /24 of 251 addresses in use1-az6 for one node, and as many again; 1 network interface, 1 a node",
        ),
        (replace(P4D_CLUSTER, file_system=SHARED), None, "one each + 6 of the file system, and as many again"),
        (G5_FLEET, None, "6 network interfaces, 1 a node"),
        (
            replace(P4D_CLUSTER, target=Target.EKS_NODES, cidr="10.9.0.0/22", existing=JOINED),
            None,
            "a private /22 of 1,019 addresses in use1-az6 for 4 nodes, one each + 400 of pods, and as many again; "
            "24 network interfaces, 6 a node",
        ),
    ],
    ids=["default", "quota", "single", "shared files", "fleet", "pods"],
)
def test_the_arithmetic_is_told(build: object, allowed: int | None, said: str) -> None:
    """Subnet, nodes and interfaces stand in one sentence, with the account's quota where it is known."""
    assert said in network_sentence(build, allowed)  # type: ignore[arg-type]


def test_the_quota_is_held_against_what_the_nodes_take() -> None:
    """Four nodes of 33 interfaces are warned of where the account may have fewer, and not where it may have as many."""
    build = P5
    (says,) = interface_warnings(build, 131)
    assert "allows 131 network interfaces in us-east-1; the nodes take 132." in says
    assert interface_warnings(build, 132) == interface_warnings(build, None) == ()


def test_a_subnet_that_stands_is_not_measured() -> None:
    """Nothing is claimed of the size of an existing subnet; of a joined block the length is told."""
    build = P5
    there = replace(build, existing=Existing(vpc="vpc-01234567", subnet="subnet-01234567"))
    assert network_sentence(there, None).startswith("the addresses of subnet-01234567, not looked up, for 4 nodes")
    joined = replace(build, cidr="10.9.0.0/22", existing=Existing(vpc="vpc-01234567", route_table="rtb-01234567"))
    assert network_sentence(joined, None).startswith("a private /22 of 1,019 addresses")


@pytest.mark.parametrize(
    ("build", "cidr", "existing"),
    [
        (P5, "10.0.0.0/28", Existing()),
        (replace(P5, nodes=18), "10.0.0.0/26", Existing()),
        (replace(P5, nodes=18), "10.0.0.0/27", Existing(vpc="vpc-01234567", route_table="rtb-01234567")),
        (G5_FLEET, "10.0.0.0/23", Existing()),
        (replace(P4D_CLUSTER, target=Target.EKS_NODES), "10.9.0.0/23", JOINED),
    ],
    ids=["no two subnets", "half is too small", "joined", "no balancer", "no room for pods"],
)
def test_a_block_without_room_is_refused_with_the_plan(build: Build, cidr: str, existing: Existing) -> None:
    """What the stack could not be synthesized with is refused before it is locked."""
    with pytest.raises(NoFeasiblePlan, match=r"provision\.cidr"):
        network_sentence(replace(build, cidr=cidr, existing=existing), None)
