"""Interfaces are of a kind that EC2 knows."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template

_KINDS = ("interface", "efa", "efa-only")


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        for nic in body.nics:
            node = nic.node.at("InterfaceType")
            if node.open:
                yield cannot_know(node, "the kind of an interface")
            elif not node.missing and nic.kind not in _KINDS:
                yield broken(node, f"{node.value!r} is no kind of interface")


RULE = Rule(
    id="interface-type-known",
    severity=Severity.ERROR,
    why="EC2 refuses the launch, long after CloudFormation took the template",
    change=f"Write one of {', '.join(_KINDS)}.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-properties-ec2-launchtemplate-networkinterface.html",
    check=_check,
)
