"""A Capacity Block is named by its reservation."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        if body.market.text == "capacity-block" and body.reservation.missing:
            yield broken(body.market, "no reservation is named for the Capacity Block")


RULE = Rule(
    id="capacity-block-reservation",
    severity=Severity.ERROR,
    why="EC2 launches into a Capacity Block only where its reservation id is given, and CloudFormation cannot buy one",
    change="Set CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId to the block's id.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-launch.html",
    check=_check,
)
