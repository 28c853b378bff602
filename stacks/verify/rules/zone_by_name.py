"""A zone is named by its id."""

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
            if zone and not zone.by_id and zone.node.text:
                yield broken(zone.node, f"{zone.node.text} is another zone in another account")


RULE = Rule(
    id="zone-by-name",
    severity=Severity.INFO,
    why="names of zones differ between accounts, ids do not; reservations, offers and prices are by id",
    change="Use AvailabilityZoneId, such as use1-az6.",
    source="https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html",
    check=_check,
)
