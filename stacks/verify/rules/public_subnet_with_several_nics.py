"""Nodes with several interfaces stand in a private subnet."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.places import subnets_named
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        nics = launch.body.nics
        if len(nics) < 2 or any(nic.node.at("AssociatePublicIpAddress").flag is False for nic in nics):
            continue
        for subnet in subnets_named(launch.subnets):
            public = subnet.at("MapPublicIpOnLaunch")
            if public.flag:
                yield broken(public, f"{launch.by.name} launches nodes with {len(nics)} interfaces here")
            elif public.open:
                yield cannot_know(public, "whether the subnet gives public addresses by itself")


RULE = Rule(
    id="public-subnet-with-several-nics",
    severity=Severity.ERROR,
    why="where a subnet gives public addresses by itself, EC2 refuses instances with several interfaces",
    change="Set MapPublicIpOnLaunch to false, or launch into a private subnet.",
    source="https://github.com/skypilot-org/skypilot/issues/8391",
    check=_check,
)
