"""A zone is named, not counted."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.places import subnets_named, zone_of
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        for subnet in subnets_named(launch.subnets) if launch.accelerated else ():
            zone = zone_of(subnet)
            if zone and zone.indexed:
                yield broken(zone.node, f"accelerated nodes stand in the zone that is {zone.node.key}")
            elif zone is None:
                yield broken(subnet, "accelerated nodes stand in whatever zone EC2 picks")


RULE = Rule(
    id="zone-by-index",
    severity=Severity.WARNING,
    why="the order of Fn::GetAZs is not fixed, and accelerated types exist in some zones only: the stack may pick one "
    "that never had the type, or another at the next update",
    change="Set AvailabilityZoneId, by hand or from a parameter.",
    source="https://github.com/aws/aws-k8s-tester/pull/588",
    check=_check,
)
