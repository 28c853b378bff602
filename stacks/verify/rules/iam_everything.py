"""No role may do everything to everything."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.policies import granted, managed
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for statement in granted(template):
        if statement.allows and statement.on_everything and {"*", "*:*"} & set(statement.actions):
            yield broken(statement.node, "every action on every resource is allowed")
        elif statement.allows and statement.on_everything and not statement.node.at("NotAction").missing:
            yield broken(statement.node, "all but a few actions are allowed on every resource")
    for _, node in managed(template):
        if node.known_text.endswith(("policy/AdministratorAccess", "policy/PowerUserAccess", "policy/IAMFullAccess")):
            yield broken(node, f"{node.known_text.rpartition('/')[2]} is given")


RULE = Rule(
    id="iam-everything",
    severity=Severity.ERROR,
    why="whatever runs on a node has its role: one bad package in a training image, and the account is lost",
    change="List the actions and the resources that the job needs.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
    check=_check,
)
