"""A card has one EFA device at most."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies, by_card
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        for card, nics in by_card(body.nics):
            places = {nic.device for nic in nics if nic.efa}
            if len(places) > 1:
                yield broken([nic for nic in nics if nic.efa][-1].node, f"card {card} has {len(places)} EFA devices")


RULE = Rule(
    id="efa-one-per-card",
    severity=Severity.ERROR,
    why="EC2 takes one EFA device on each network card",
    change="Leave one EFA device on the card; make the other an `interface`, or take it away.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html",
    check=_check,
)
