"""Nodes that talk over EFA are of one type."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        names = sorted({node.text for node in launch.types if node.text})
        if launch.efa and len(names) > 1:
            yield broken(launch.types[-1], f"one EFA cluster may get {' and '.join(names)}")


RULE = Rule(
    id="efa-types-mixed",
    severity=Severity.ERROR,
    why="one list of interfaces fits one type; and EFA of P4d, P4de and DL1 speaks to no other type at all",
    change="Leave one instance type.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html",
    check=_check,
)
