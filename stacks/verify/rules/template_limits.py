"""A template is within CloudFormation's limits."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_MOST = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
_MOST_BYTES = 1_000_000


def _check(template: Template) -> Iterator[Found]:
    for name, most in _MOST.items():
        section = template.section(name)
        count = len(section.value) if isinstance(section.value, dict) else 0
        if count > most:
            yield broken(section, f"{count:,} {name}; CloudFormation takes {most:,}")
    size = template.source.size_bytes
    if size > _MOST_BYTES:
        yield broken(template.node((), template.document), f"{size:,} bytes; CloudFormation takes {_MOST_BYTES:,}")


RULE = Rule(
    id="template-limits",
    severity=Severity.ERROR,
    why="CloudFormation refuses a larger template",
    change="Split it into several stacks.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
    check=_check,
)
