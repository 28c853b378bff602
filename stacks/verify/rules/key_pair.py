"""Nodes are reached without SSH keys."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        if not body.data.at("KeyName").missing:
            yield broken(body.data.at("KeyName"), "nodes are launched with a key pair")


RULE = Rule(
    id="key-pair",
    severity=Severity.WARNING,
    why="keys are shared, kept and lost, and need an open port; Session Manager needs neither, and logs who came",
    change="Take KeyName away, and give the role AmazonSSMManagedInstanceCore.",
    source="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html",
    check=_check,
)
