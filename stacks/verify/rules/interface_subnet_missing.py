"""An instance with interfaces of its launch template finds its subnet there."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import INSTANCE, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.by.type != INSTANCE or launch.subnets:
            continue
        for nic in launch.body.nics:
            if not nic.node.at("Groups").missing and nic.node.at("NetworkInterfaceId").missing:
                yield broken(nic.node, f"{launch.by.name} is launched with an interface that names no subnet")


RULE = Rule(
    id="interface-subnet-missing",
    severity=Severity.ERROR,
    why="without a subnet EC2 takes the default VPC, where the interface's groups do not exist",
    change="Give each interface a SubnetId.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html",
    check=_check,
)
