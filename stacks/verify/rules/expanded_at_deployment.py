"""What a macro writes is not in the template."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, not_told
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    if "Transform" in template.document:
        yield not_told(
            template.section("Transform"), "a macro rewrites the template at deployment; this is what goes in"
        )
    for name in template.document["Resources"]:
        if str(name).startswith("Fn::"):
            yield not_told(template.node(("Resources", name), None), "the loop's resources are made at deployment")


RULE = Rule(
    id="expanded-at-deployment",
    severity=Severity.INFO,
    why="rules look at what is written here, and a macro may add, change or take away",
    change="Verify the processed template (aws cloudformation get-template --template-stage Processed).",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html",
    check=_check,
)
