"""A subnet of nodes has room to replace them."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.addresses import usable
from stacks.verify.demand import demand
from stacks.verify.places import block_of
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_FACTOR = 2


def _check(template: Template) -> Iterator[Found]:
    for subnet, need in demand(template):
        block = block_of(subnet)
        if block and need <= usable(block) < _FACTOR * need:
            yield broken(subnet.at("CidrBlock"), f"{need:,} addresses are needed of the {usable(block):,} of {block}")


RULE = Rule(
    id="subnet-headroom",
    severity=Severity.WARNING,
    why="CloudFormation makes new nodes before it ends the old ones, and a subnet can be enlarged only by a new one",
    change="Give the subnet twice the addresses that its nodes need.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
    check=_check,
)
