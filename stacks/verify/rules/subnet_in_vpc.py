"""A subnet lies inside its VPC."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.places import SUBNET, block_of, blocks_of_vpc
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for subnet in template.of(SUBNET):
        block, outer = block_of(subnet), blocks_of_vpc(template, subnet.at("VpcId"))
        if block and outer and not any(block.subnet_of(each) for each in outer):
            names = ", ".join(map(str, outer))
            yield broken(subnet.at("CidrBlock"), f"{block} is not within the VPC's {names}")


RULE = Rule(
    id="subnet-in-vpc",
    severity=Severity.ERROR,
    why="EC2 refuses a subnet outside its VPC's blocks",
    change="Choose a block inside, or add one to the VPC with AWS::EC2::VPCCidrBlock.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
    check=_check,
)
