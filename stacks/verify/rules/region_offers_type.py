"""The region named offers the type."""

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
            region = zone.region if zone else None
            for node in launch.types:
                offered = zones_offering(node.text or "")
                if zone and region and offered and region not in offered:
                    names = ", ".join(sorted(offered))
                    yield broken(zone.node, f"{node.text} is not known to be offered in {region}; known are {names}")


RULE = Rule(
    id="region-offers-type",
    severity=Severity.WARNING,
    why="the launch fails where the type does not exist; regions are added now and then, so ask EC2 where in doubt",
    change="Choose a region that offers the type.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html",
    check=_check,
)
