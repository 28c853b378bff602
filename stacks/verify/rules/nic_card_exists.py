"""Every interface is on a card that the instance type has."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body, _, facts in layouts(template):
        cards = len(facts.nic_slots)
        for nic in body.nics:
            if cards and nic.card is not None and not 0 <= nic.card < cards:
                last = f"0 to {cards - 1}" if cards > 1 else "0 alone"
                yield broken(nic.node, f"{facts.name} has no card {nic.card}; its cards are {last}")


RULE = Rule(
    id="nic-card-exists",
    severity=Severity.ERROR,
    why="EC2 refuses an interface on a network card that the type does not have",
    change="Use the cards that the type has.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html",
    check=_check,
)
