"""A fleet is one that its deletion ends."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import FLEET
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# DeleteFleets ends the instances of a request's instant fleets, and those at most so many.
_MOST = 1000


def _check(template: Template) -> Iterator[Found]:
    for fleet in template.of(FLEET):
        count = fleet.at("TargetCapacitySpecification", "TotalTargetCapacity")
        if fleet.at("Type").text == "instant" and (count.number or 0) > _MOST:
            yield broken(count, f"an instant fleet of {count.number:,} nodes")


RULE = Rule(
    id="fleet-size",
    severity=Severity.ERROR,
    why=f"deleting an instant fleet ends at most {_MOST:,} instances; a larger one cannot be deleted with its stack",
    change=f"Split it into fleets of at most {_MOST:,} nodes.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteFleets.html",
    check=_check,
)
