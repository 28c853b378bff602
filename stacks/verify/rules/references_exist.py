"""What is referred to is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stacks.verify.positions import Path
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    resources = frozenset(template.document["Resources"])
    parameters = template.section("Parameters").value
    known = {*resources, *(parameters if isinstance(parameters, dict) else ())}
    if "Transform" in template.document:
        return  # A macro may add what is missing.
    for resource in template.resources.values():
        for path, name in _named(resource.body.path, resource.body.value):
            if name not in known and not name.startswith("AWS::"):
                yield broken(template.node(path, None), f"{name} is not in the template")
        for name in sorted(resource.dependencies - resources):
            yield broken(resource.body.at("DependsOn"), f"{name} is not in the template")


def _named(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Everything that Ref and Fn::GetAtt name inside a value, with its place."""
    stack: list[tuple[Path, Any]] = [(path, value)]
    while stack:
        place, inner = stack.pop()
        if isinstance(inner, list):
            stack += [((*place, index), each) for index, each in enumerate(inner)]
        elif isinstance(inner, dict):
            attribute = inner.get("Fn::GetAtt")
            first = attribute[0] if isinstance(attribute, list) and attribute else attribute
            if len(inner) == 1 and isinstance(inner.get("Ref"), str):
                yield place, inner["Ref"]
            elif len(inner) == 1 and isinstance(first, str):
                yield place, first.split(".")[0]
            else:
                stack += [((*place, key), each) for key, each in inner.items()]


RULE = Rule(
    id="references-exist",
    severity=Severity.ERROR,
    why="CloudFormation refuses a template that refers to nothing",
    change="Correct the name, or add what it names.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ref.html",
    check=_check,
)
