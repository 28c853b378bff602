"""Which addresses does each subnet of a VPC take?

From the lowest: the NAT gateway's, a load balancer's two, those of nodes in a second zone from the second quarter on,
and those of the nodes in the upper half.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from stacks.errors import StackError

VPC = IPv4Network("10.0.0.0/16")
# Nothing but the NAT gateway lives here; /28 is the smallest subnet that EC2 makes, and /16 the largest VPC.
PUBLIC_PREFIX = 28
LARGEST_VPC_PREFIX = 16
# A load balancer asks for a /27 in each zone with 8 free addresses; it grows with the traffic.
BALANCER_PREFIX, BALANCER_OFFSETS = 26, (256, 320)
# A subnet cannot grow without being replaced, nodes and all; 251 addresses cost nothing.
SMALLEST_PREFIX = 24
# Only card 0's first interface takes an address; EFA-only interfaces take none.
ADDRESSES_PER_NODE = 1
# S3 is reached through a gateway endpoint, which takes no address.
INTERFACE_ENDPOINTS = 0
RESERVED_BY_AWS = 5
HEADROOM = 2


def public_block(vpc: IPv4Network = VPC) -> IPv4Network:
    """The block of the NAT gateway. Raises StackError where a VPC cannot be of that size."""
    if not LARGEST_VPC_PREFIX <= vpc.prefixlen < PUBLIC_PREFIX:
        raise StackError(
            f"A VPC of two subnets is between a /{LARGEST_VPC_PREFIX} and a /{PUBLIC_PREFIX - 1}; {vpc} is a "
            f"/{vpc.prefixlen}. Change provision.cidr."
        )
    return IPv4Network((vpc.network_address, PUBLIC_PREFIX))


def compute_block(*, nodes: int, others: int = 0, vpc: IPv4Network = VPC) -> IPv4Network:
    """The block of the nodes' subnet: the addresses that they and `others` need, doubled, and never below /24.

    Raises StackError where the VPC's upper half has no room for them.
    """
    return _of(list(vpc.subnets())[1], nodes, others, vpc)


def spare_block(*, nodes: int, vpc: IPv4Network = VPC) -> IPv4Network:
    """The block of nodes in a second zone, in the second quarter of the VPC. Raises StackError as above."""
    return _of(list(vpc.subnets(prefixlen_diff=2))[1], nodes, 0, vpc)


def balancer_blocks(vpc: IPv4Network = VPC) -> tuple[IPv4Network, ...]:
    """The blocks of a load balancer, in the first quarter. Raises StackError where that is too small."""
    quarter = next(vpc.subnets(prefixlen_diff=2))
    blocks = tuple(IPv4Network((vpc.network_address + offset, BALANCER_PREFIX)) for offset in BALANCER_OFFSETS)
    if not all(block.subnet_of(quarter) for block in blocks):
        raise StackError(f"A load balancer has no room in {vpc}. Widen provision.cidr to a /21 or more.")
    return blocks


def holds(block: IPv4Network, *, nodes: int, others: int = 0) -> bool:
    """Whether a block has twice the addresses that so many nodes, and `others`, take."""
    return block.prefixlen <= _prefix(nodes, others)


def _of(room: IPv4Network, nodes: int, others: int, vpc: IPv4Network) -> IPv4Network:
    if not holds(room, nodes=nodes, others=others):
        raise StackError(
            f"{nodes:,} nodes need a /{_prefix(nodes, others)} subnet, but in {vpc} the nodes' subnet is at most a "
            f"/{room.prefixlen}. Plan fewer nodes, or widen provision.cidr."
        )
    prefix = max(min(SMALLEST_PREFIX, _prefix(nodes, others)), room.prefixlen)
    return IPv4Network((room.network_address, prefix))


def _prefix(nodes: int, others: int) -> int:
    """The narrowest block that holds so many addresses twice over."""
    needed = HEADROOM * (nodes * ADDRESSES_PER_NODE + others + INTERFACE_ENDPOINTS + RESERVED_BY_AWS)
    return VPC.max_prefixlen - (needed - 1).bit_length()
