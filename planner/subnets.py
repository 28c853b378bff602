"""Which block of addresses does each subnet of a stack take?"""

from __future__ import annotations

from ipaddress import IPv4Network

from planner.errors import NoFeasiblePlan

# Of each subnet, for itself, its router, its name server, the future and broadcasts (Amazon VPC user guide).
RESERVED_BY_AWS = 5
# A subnet cannot grow without being replaced, nodes and all; 251 addresses cost nothing.
USUAL_PREFIX = 24
HEADROOM = 2
ADDRESS_BITS = 32
VPC = IPv4Network("10.0.0.0/16")
# Nothing but the NAT gateway lives here; /28 is the smallest subnet that EC2 makes, and /16 the largest VPC.
PUBLIC_PREFIX = 28
LARGEST_VPC_PREFIX = 16
# Zones that a fleet with a spare one stands in (planner.served).
ZONES = 2
# An Application Load Balancer stands in two zones at least.
BALANCER_ZONES = 2
# A load balancer asks for a /27 in each zone with 8 free addresses; it grows with the traffic.
BALANCER_PREFIX = 26


def needed_prefix(taken: int) -> int:
    """Length of the prefix of the narrowest block with room for twice what is taken and what AWS reserves."""
    needed = HEADROOM * (taken + RESERVED_BY_AWS)
    return ADDRESS_BITS - (needed - 1).bit_length()


def compute_block(*, nodes: int, others: int = 0, vpc: IPv4Network = VPC) -> IPv4Network:
    """The block of the nodes' subnet: the addresses that they and `others` need, doubled, in the VPC's upper half.

    It is never below /24 where the VPC has room for one. Only card 0's first interface takes an address; EFA-only
    interfaces and S3's gateway endpoint take none. Raises NoFeasiblePlan where the nodes have none.
    """
    return _within(_halves(vpc)[1], nodes=nodes, others=others)


def spare_block(*, nodes: int, vpc: IPv4Network = VPC) -> IPv4Network:
    """The block of the nodes of a second zone: as many, in the VPC's second quarter. Raises as `compute_block` does."""
    return _within(_halves(_halves(vpc)[0])[1], nodes=nodes, others=0)


def balancer_blocks(*, vpc: IPv4Network = VPC) -> tuple[IPv4Network, IPv4Network]:
    """The blocks of a load balancer's two subnets, in the VPC's first quarter behind the public subnet."""
    quarter = _halves(_halves(vpc)[0])[0]
    if quarter.prefixlen > BALANCER_PREFIX - 2:
        raise NoFeasiblePlan(f"{vpc} has no room for a load balancer. Widen provision.cidr to a /22 or larger.")
    _, *blocks = quarter.subnets(new_prefix=BALANCER_PREFIX)
    return blocks[0], blocks[1]


def joined_block(block: IPv4Network, *, nodes: int, others: int = 0) -> IPv4Network:
    """The block of a subnet in a VPC that stands, as it is asked for. Raises NoFeasiblePlan where it is too small."""
    needed = needed_prefix(nodes + others)
    if block.prefixlen > needed:
        raise NoFeasiblePlan(f"{nodes:,} nodes need a /{needed} subnet, and {block} is smaller. Widen provision.cidr.")
    return block


def _within(part: IPv4Network, *, nodes: int, others: int) -> IPv4Network:
    needed = needed_prefix(nodes + others)
    if needed < part.prefixlen:
        raise NoFeasiblePlan(
            f"{nodes:,} nodes need a /{needed} subnet, but theirs is at most {part}. "
            "Plan fewer nodes, or widen provision.cidr."
        )
    return IPv4Network((part.network_address, max(min(USUAL_PREFIX, needed), part.prefixlen)))


def _halves(block: IPv4Network) -> list[IPv4Network]:
    if not LARGEST_VPC_PREFIX <= block.prefixlen < PUBLIC_PREFIX:
        raise NoFeasiblePlan(
            f"A VPC of two subnets is between a /{LARGEST_VPC_PREFIX} and a /{PUBLIC_PREFIX - 1}; {block} is a "
            f"/{block.prefixlen}. Change provision.cidr."
        )
    return list(block.subnets())
