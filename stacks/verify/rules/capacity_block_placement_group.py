"""A Capacity Block is launched without a placement group."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.body.market.text == "capacity-block":
            for group in launch.placement:
                yield broken(group, "a placement group is asked for in a Capacity Block")


RULE = Rule(
    id="capacity-block-placement-group",
    severity=Severity.ERROR,
    why="a Capacity Block has its own placement; in another group the launch fails, and the paid block lies idle",
    change="Take the placement group away.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html",
    check=_check,
)
