"""EFA devices stand on cards that take them."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.facts import SHARED_EFA_CARDS
from stacks.verify.launches import layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body, _, facts in layouts(template):
        taking = set(facts.efa_cards) | SHARED_EFA_CARDS.get(facts.name, frozenset())
        for nic in body.nics:
            known = nic.card is not None and 0 <= nic.card < len(facts.nic_slots)
            if facts.efa_cards and nic.efa and known and nic.card not in taking:
                yield broken(nic.node, f"card {nic.card} of {facts.name} takes no EFA device")


RULE = Rule(
    id="efa-card-supported",
    severity=Severity.ERROR,
    why="not every network card takes EFA: card 0 of p6-b300 and of p6e-gb200 is ENA alone, and the launch fails",
    change="Make the interface on that card an `interface`, and put EFA on the others.",
    source="https://github.com/aws/aws-parallelcluster/issues/7143",
    check=_check,
)
