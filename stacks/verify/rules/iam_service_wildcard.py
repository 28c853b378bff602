"""No role may do everything of a service to everything."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.policies import granted
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for statement in granted(template):
        if statement.allows and statement.on_everything and not statement.conditional:
            wide = sorted({each for each in statement.actions if each.endswith(":*") and each != "*:*"})
            if wide:
                yield broken(statement.node, f"{', '.join(wide)} on every resource")


RULE = Rule(
    id="iam-service-wildcard",
    severity=Severity.WARNING,
    why="a service's every action on its every resource is more than any job needs",
    change="List the actions, and the resources by ARN.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
    check=_check,
)
