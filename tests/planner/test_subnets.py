"""Has each subnet room for what stands in it?"""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from planner.errors import NoFeasiblePlan
from planner.subnets import PUBLIC_PREFIX, VPC, balancer_blocks, compute_block, joined_block, needed_prefix, spare_block


@pytest.mark.parametrize(("taken", "prefix"), [(1, 28), (3, 28), (4, 27), (123, 24), (124, 23), (1000, 21)])
def test_a_subnet_holds_twice_what_is_taken(taken: int, prefix: int) -> None:
    """Twice the addresses and AWS's five fit, and in half of it they would not."""
    assert needed_prefix(taken) == prefix
    assert 2 ** (32 - prefix - 1) < 2 * (taken + 5) <= 2 ** (32 - prefix)


@pytest.mark.parametrize(("nodes", "prefix"), [(1, 24), (64, 24), (123, 24), (124, 23), (1000, 21), (16_000, 17)])
def test_compute_subnet_has_room_for_twice_the_nodes(nodes: int, prefix: int) -> None:
    """The subnet is the smallest, from /24 on, that holds twice the nodes and AWS's five addresses."""
    block = compute_block(nodes=nodes)
    assert block.prefixlen == prefix
    assert block.num_addresses >= 2 * (nodes + 5)
    assert block.subnet_of(VPC)
    assert not block.overlaps(IPv4Network((VPC.network_address, PUBLIC_PREFIX)))


def test_too_many_nodes_for_a_subnet_are_refused() -> None:
    """More nodes than half a VPC can hold are an error that says so."""
    with pytest.raises(NoFeasiblePlan, match="20,000 nodes"):
        compute_block(nodes=20_000)


def test_no_two_subnets_overlap() -> None:
    """Nodes, spare nodes, both parts of a load balancer and the way out each have a block of their own."""
    public = IPv4Network((VPC.network_address, PUBLIC_PREFIX))
    blocks = [compute_block(nodes=100), spare_block(nodes=100), *balancer_blocks(), public]
    assert not any(one.overlaps(two) for one in blocks for two in blocks if one is not two)


@pytest.mark.parametrize(("block", "fits"), [("10.0.0.0/27", False), ("10.0.0.0/26", True)])
def test_a_joined_block_is_taken_whole_or_not(block: str, fits: bool) -> None:
    """Eighteen nodes find no room in a /27 of a VPC that stands, and take a /26 as it is."""
    asked = IPv4Network(block)
    if fits:
        assert joined_block(asked, nodes=18) == asked
    else:
        with pytest.raises(NoFeasiblePlan, match=r"18 nodes need a /26 subnet.*Widen provision\.cidr"):
            joined_block(asked, nodes=18)
