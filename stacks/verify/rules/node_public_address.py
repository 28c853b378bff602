"""Accelerated nodes have no public address."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.places import subnets_named
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if not launch.accelerated or len(launch.body.nics) > 1:
            continue
        stated = [nic.node.at("AssociatePublicIpAddress") for nic in launch.body.nics]
        for node in stated:
            if node.flag:
                yield broken(node, "a public address is asked for")
        for subnet in subnets_named(launch.subnets):
            public = subnet.at("MapPublicIpOnLaunch")
            if public.flag and not any(node.flag is False for node in stated):
                yield broken(public, f"the subnet of {launch.by.name} gives public addresses")


RULE = Rule(
    id="node-public-address",
    severity=Severity.WARNING,
    why="a public address costs by the hour, and is found",
    change="Use a private subnet with a NAT gateway or endpoints.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-ip-addressing.html",
    check=_check,
)
