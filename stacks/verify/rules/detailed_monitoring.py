"""Nodes are measured every minute."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        on = launch.body.data.at("Monitoring", "Enabled")
        whole = launch.by.at("Monitoring") if launch.by is launch.body.resource else on
        if launch.accelerated and not (on.flag or on.open or whole.flag or whole.open):
            yield broken(launch.body.data, "detailed monitoring is off")


RULE = Rule(
    id="detailed-monitoring",
    severity=Severity.INFO,
    why="at five minutes a node that idles at dozens of dollars an hour shows late",
    change="Set Monitoring.Enabled to true.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html",
    check=_check,
)
