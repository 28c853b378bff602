"""A node that has EFA uses all of it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.facts import FEWER_EFA_CARDS
from stacks.verify.launches import layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body, _, facts in layouts(template):
        used = frozenset(nic.card for nic in body.nics if nic.efa and nic.card in facts.efa_cards)
        enough = used == frozenset(facts.efa_cards) or used in FEWER_EFA_CARDS.get(facts.name, frozenset())
        if used and not enough:
            have, use = len(facts.efa_cards), len(used)
            yield broken(body.data.at("NetworkInterfaces"), f"{use} of the {have} EFA devices of {facts.name} are used")


RULE = Rule(
    id="efa-count",
    severity=Severity.WARNING,
    why="bandwidth between nodes comes from all EFA devices together; what is left out is paid for and lies idle",
    change="Add an `efa-only` interface on every card that takes EFA.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html",
    check=_check,
)
