"""A subnet has an address for everything in it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.addresses import usable
from stacks.verify.demand import demand
from stacks.verify.places import block_of
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for subnet, need in demand(template):
        block = block_of(subnet)
        if block and need > usable(block):
            yield broken(
                subnet.at("CidrBlock"), f"{need:,} addresses are needed, but {block} has {usable(block):,} to give"
            )


RULE = Rule(
    id="subnet-size",
    severity=Severity.ERROR,
    why="a node takes an address for each interface that speaks IP, and five of each subnet are AWS's own; the launch "
    "fails when they run out, and a subnet cannot grow",
    change="Make the subnet larger, or make the further interfaces efa-only.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
    check=_check,
)
