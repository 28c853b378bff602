"""A block is one that EC2 takes."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.addresses import network
from stacks.verify.places import SUBNET
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_LARGEST, _SMALLEST = 16, 28


def _check(template: Template) -> Iterator[Found]:
    for resource in template.of("AWS::EC2::VPC", SUBNET):
        node = resource.at("CidrBlock")
        if node.text is None:
            continue
        block = network(node.text)
        if block is None:
            yield broken(node, f"{node.text!r} is no IPv4 block")
        elif not _LARGEST <= block.prefixlen <= _SMALLEST:
            yield broken(node, f"/{block.prefixlen} is not between /{_LARGEST} and /{_SMALLEST}")


RULE = Rule(
    id="subnet-block-valid",
    severity=Severity.ERROR,
    why=f"EC2 makes VPCs and subnets from /{_LARGEST} to /{_SMALLEST}, and takes no host bits",
    change="Write a block such as 10.0.128.0/20.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
    check=_check,
)
