"""Spot nodes target no reservation."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        if body.market.text == "spot" and not body.reservation.missing:
            yield broken(body.reservation, "spot nodes target a reservation")


RULE = Rule(
    id="spot-with-reservation",
    severity=Severity.ERROR,
    why="reservations are for on-demand nodes, and Capacity Blocks are a market of their own",
    change="Take the reservation away, or the market type.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-reservations.html",
    check=_check,
)
