"""How many addresses does a block hold, and which blocks does Fn::Cidr cut?"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network
from itertools import islice
from typing import Any

from stacks.verify.values import whole

# Fn::Cidr cuts at most this many.
MOST_BLOCKS = 256
RESERVED_BY_AWS = 5


@cache
def network(text: str) -> IPv4Network | None:
    """The IPv4 block that a text writes; None where it writes none, or a host inside one."""
    try:
        return IPv4Network(text) if "/" in text else None
    except ValueError:
        return None


def usable(block: IPv4Network) -> int:
    """The addresses of a subnet that are not AWS's own."""
    return max(0, block.num_addresses - RESERVED_BY_AWS)


def cidr_blocks(block: Any, count: Any, bits: Any = 64) -> list[str] | None:
    """What Fn::Cidr answers; None where it cannot be told."""
    outer = network(block) if isinstance(block, str) else None
    wanted, host_bits = whole(count), whole(bits)
    if outer is None or wanted is None or host_bits is None:
        return None
    if not (0 < wanted <= MOST_BLOCKS and 0 < host_bits <= outer.max_prefixlen - outer.prefixlen):
        return None
    return [str(each) for each in islice(outer.subnets(new_prefix=outer.max_prefixlen - host_bits), wanted)]
