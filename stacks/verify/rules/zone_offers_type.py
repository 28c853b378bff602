"""The zone named offers the type."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.facts import zones_offering
from stacks.verify.launches import launches
from stacks.verify.places import subnets_named, zone_of
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        for subnet in subnets_named(launch.subnets):
            zone = zone_of(subnet)
            if zone is None or not zone.by_id or zone.region is None:
                continue
            for node in launch.types:
                offered = zones_offering(node.text or "").get(zone.region)
                if offered and zone.node.text not in offered:
                    names = ", ".join(sorted(offered))
                    yield broken(zone.node, f"{zone.node.text} does not offer {node.text}; in {zone.region} {names} do")


RULE = Rule(
    id="zone-offers-type",
    severity=Severity.WARNING,
    why="accelerated types exist in some zones of a region only, and the launch fails in the others",
    # What is known of zones is as old as the bundle; a zone that has just got the type must not stop a stack.
    change="Name a zone that offers the type (EC2 DescribeInstanceTypeOfferings has the newest list).",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html",
    check=_check,
)
