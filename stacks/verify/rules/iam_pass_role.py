"""A role that passes roles says which."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.policies import granted
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for statement in granted(template):
        passing = statement.allows and "iam:passrole" in statement.actions
        if passing and statement.on_everything and not statement.conditional:
            yield broken(statement.node, "iam:PassRole on every role")


RULE = Rule(
    id="iam-pass-role",
    severity=Severity.ERROR,
    why="who may pass any role to a machine or a service has that role's rights, the administrator's among them",
    change="Name the roles, or add the condition iam:PassedToService.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    check=_check,
)
