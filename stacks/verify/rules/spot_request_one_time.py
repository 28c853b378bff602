"""A spot node that is taken away does not come back by itself."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        options = body.data.at("InstanceMarketOptions", "SpotOptions")
        kind, end = options.at("SpotInstanceType"), options.at("InstanceInterruptionBehavior")
        if kind.text == "persistent":
            yield broken(kind, "the spot request is persistent")
        elif end.text in ("stop", "hibernate"):
            yield broken(end, f"an interrupted node does {end.text}")


RULE = Rule(
    id="spot-request-one-time",
    severity=Severity.WARNING,
    why="a persistent request outlives its stack and launches again, and fleets and groups refuse it; a stopped node "
    "keeps its disks, and the bill for them",
    change="Use one-time and terminate, and checkpoint.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-requests.html",
    check=_check,
)
