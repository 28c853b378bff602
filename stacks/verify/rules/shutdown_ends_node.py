"""A node that shuts itself down is gone."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import FLEET, INSTANCE, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        stated = launch.body.data.at("InstanceInitiatedShutdownBehavior")
        if (
            launch.by.type in (FLEET, INSTANCE)
            and launch.accelerated
            and not stated.open
            and stated.text != "terminate"
        ):
            yield broken(launch.body.data if stated.missing else stated, "a node that shuts down is stopped, not ended")


RULE = Rule(
    id="shutdown-ends-node",
    severity=Severity.INFO,
    why="a stopped node keeps its disks and their bill, and nobody looks for it",
    change="Set InstanceInitiatedShutdownBehavior to terminate.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-instance-shutdown-behavior.html",
    check=_check,
)
