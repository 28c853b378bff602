"""The addresses of every subnet."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest

from stacks.errors import StackError
from stacks.parts.blocks import VPC, balancer_blocks, compute_block, holds, public_block, spare_block


@pytest.mark.parametrize(("nodes", "prefix"), [(1, 24), (64, 24), (123, 24), (124, 23), (1000, 21), (16_000, 17)])
def test_the_nodes_subnet_has_room_for_twice_the_nodes(nodes: int, prefix: int) -> None:
    """The subnet is the smallest, from /24 on, that holds twice the nodes and AWS's five addresses."""
    block = compute_block(nodes=nodes)
    assert block.prefixlen == prefix
    assert block.num_addresses >= 2 * (nodes + 5)


@pytest.mark.parametrize("vpc", ["10.0.0.0/16", "10.4.0.0/18", "192.168.0.0/20", "10.9.8.0/21"])
def test_no_two_subnets_share_an_address(vpc: str) -> None:
    """Whatever the size of the VPC, each of its subnets lies in it and beside the others."""
    whole = IPv4Network(vpc)
    blocks = [public_block(whole), *balancer_blocks(whole), spare_block(nodes=8, vpc=whole)]
    blocks.append(compute_block(nodes=8, vpc=whole))
    assert all(block.subnet_of(whole) for block in blocks)
    assert not any(one.overlaps(other) for one, other in combinations(blocks, 2))


def test_a_small_vpc_has_a_small_subnet() -> None:
    """Where there is no room for a /24 the nodes get the whole upper half, as long as it holds them twice."""
    assert compute_block(nodes=4, vpc=IPv4Network("10.0.0.0/26")) == IPv4Network("10.0.0.32/27")
    assert not holds(IPv4Network("10.0.0.32/27"), nodes=12)


@pytest.mark.parametrize(
    ("vpc", "nodes", "words"),
    [
        (VPC, 20_000, "20,000 nodes need a /16 subnet"),
        (IPv4Network("10.0.0.0/26"), 12, "at most a /27. Plan fewer nodes, or widen provision.cidr"),
    ],
)
def test_too_many_nodes_for_a_subnet_are_refused(vpc: IPv4Network, nodes: int, words: str) -> None:
    """More nodes than half a VPC can hold are an error that says so."""
    with pytest.raises(StackError, match=words):
        compute_block(nodes=nodes, vpc=vpc)


def test_a_vpc_of_no_size_that_ec2_makes_is_refused() -> None:
    """A block beyond EC2's bounds, or too small for a balancer, is an error that names provision.cidr."""
    for block in ("10.0.0.0/8", "10.0.0.0/28"):
        with pytest.raises(StackError, match=r"Change provision\.cidr"):
            public_block(IPv4Network(block))
    with pytest.raises(StackError, match=r"no room in 10\.0\.0\.0/22"):
        balancer_blocks(IPv4Network("10.0.0.0/22"))
