"""Subnets of a VPC do not overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Network

from stacks.verify.places import SUBNET, block_of
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Resource, Template


def _check(template: Template) -> Iterator[Found]:
    by_vpc: dict[str, list[tuple[IPv4Network, Resource]]] = defaultdict(list)
    for subnet in template.of(SUBNET):
        block = block_of(subnet)
        # A subnet with a condition may stand in another's stead.
        if block and subnet.certain:
            by_vpc[subnet.at("VpcId").key].append((block, subnet))
    for found in by_vpc.values():
        widest: tuple[IPv4Network, Resource] | None = None
        for block, subnet in sorted(found, key=lambda each: (each[0].network_address, each[0].prefixlen)):
            if widest and block.overlaps(widest[0]):
                yield broken(subnet.at("CidrBlock"), f"{block} overlaps {widest[0]} of {widest[1].name}")
            if widest is None or block.broadcast_address > widest[0].broadcast_address:
                widest = block, subnet


RULE = Rule(
    id="subnets-overlap",
    severity=Severity.ERROR,
    why="EC2 refuses a subnet that overlaps another",
    change="Give each subnet a block of its own.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
    check=_check,
)
