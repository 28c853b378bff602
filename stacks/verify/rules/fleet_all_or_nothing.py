"""A fleet that is a cluster starts whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import FLEET, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        fleet = launch.by
        if fleet.type != FLEET or not launch.efa or (launch.nodes or 0) < 2:
            continue
        kind = fleet.at("TargetCapacitySpecification", "DefaultTargetCapacityType").text or "on-demand"
        key = {"on-demand": "OnDemandOptions", "spot": "SpotOptions"}.get(kind)
        least = fleet.at(key, "MinTargetCapacity") if key else None
        if fleet.at("Type").text != "instant":
            yield broken(fleet.at("Type"), "the fleet is not of type instant, so that it may come up in part")
        elif least is not None and not least.open and least.number != launch.nodes:
            yield broken(least, f"the fleet may come up with fewer than its {launch.nodes} nodes")


RULE = Rule(
    id="fleet-all-or-nothing",
    severity=Severity.WARNING,
    why="a cluster that comes up in part cannot work, and is billed",
    change="Use Type instant, and MinTargetCapacity equal to TotalTargetCapacity, with SingleInstanceType and "
    "SingleAvailabilityZone.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html",
    check=_check,
)
