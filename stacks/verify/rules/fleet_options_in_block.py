"""A fleet in a Capacity Block has options of no other market."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import FLEET
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for fleet in template.of(FLEET):
        if fleet.at("TargetCapacitySpecification", "DefaultTargetCapacityType").text == "capacity-block":
            for key in ("OnDemandOptions", "SpotOptions"):
                if not fleet.at(key).missing:
                    yield broken(fleet.at(key), f"{key} in a fleet of a Capacity Block")


RULE = Rule(
    id="fleet-options-in-block",
    severity=Severity.ERROR,
    why="a Capacity Block takes neither on-demand nor spot options, and the request is refused",
    change="Take the options away.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-launch.html",
    check=_check,
)
