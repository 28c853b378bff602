"""EFA devices do not share a port with each other."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.facts import SHARED_EFA_CARDS
from stacks.verify.launches import layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body, _, facts in layouts(template):
        shared = SHARED_EFA_CARDS.get(facts.name, frozenset())
        for nic in body.nics:
            if nic.efa and nic.card in shared:
                yield broken(nic.node, f"card {nic.card} of {facts.name} shares its port with the card below it")


RULE = Rule(
    id="efa-shared-port",
    severity=Severity.WARNING,
    why="on p6e-gb200 the even cards bring no bandwidth of their own; they only take interfaces and addresses",
    change="Put EFA devices on the odd cards alone.",
    source="https://github.com/aws/aws-parallelcluster/issues/6930",
    check=_check,
)
