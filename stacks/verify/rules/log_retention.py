"""Logs are kept for a stated time."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for group in template.of("AWS::Logs::LogGroup"):
        if group.at("RetentionInDays").missing:
            yield broken(group, "the logs are kept, and billed, for ever")


RULE = Rule(
    id="log-retention",
    severity=Severity.WARNING,
    why="CloudWatch keeps logs for ever unless told otherwise",
    change="Set RetentionInDays.",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
    check=_check,
)
