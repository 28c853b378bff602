"""Nobody at all may take a role."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.policies import trusted
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for role, statement in trusted(template):
        if statement.allows and statement.for_everyone and not statement.conditional:
            yield broken(statement.node, f"anybody may take {role.name}")


RULE = Rule(
    id="iam-trust-open",
    severity=Severity.ERROR,
    why="a principal of * is any identity of any account",
    change="Name the service or the account that takes the role.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
    check=_check,
)
