"""What outlives the stack is known."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for resource in template.resources.values():
        policy = resource.body.at("DeletionPolicy").text
        if policy in ("Retain", "RetainExceptOnCreate", "Snapshot"):
            kept = "a snapshot of it stays" if policy == "Snapshot" else "it stays"
            yield broken(resource, f"{kept} when the stack is deleted ({resource.type})")


RULE = Rule(
    id="retained-resources",
    severity=Severity.INFO,
    why="what is retained is billed until somebody deletes it by hand",
    change="Nothing, where it is meant to stay.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
    check=_check,
)
