"""The first interface of a node must speak IP."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        for nic in body.nics:
            if nic.kind == "efa-only" and (nic.card, nic.device) == (0, 0):
                yield broken(nic.node, "the primary interface (card 0, device 0) is efa-only")


RULE = Rule(
    id="efa-only-not-primary",
    severity=Severity.ERROR,
    why="an EFA-only interface has no IP stack, and EC2 refuses it as the primary one",
    change="Make card 0, device 0 an `interface`, and put the EFA device on card 0, device 1.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html",
    check=_check,
)
