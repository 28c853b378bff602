"""EFA is asked for on types that have it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body, node, facts in layouts(template):
        if facts.nic_slots and not facts.efa_cards and any(nic.efa for nic in body.nics):
            yield broken(node, f"{facts.name} has no EFA, but {body.resource.name} asks for it")


RULE = Rule(
    id="efa-type-supported",
    severity=Severity.ERROR,
    why="EC2 refuses EFA interfaces on types without EFA",
    change="Use InterfaceType `interface`, or a type that has EFA.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html",
    check=_check,
)
