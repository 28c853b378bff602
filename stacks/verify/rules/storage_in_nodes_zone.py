"""A file system stands where its nodes do."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.lustre import file_systems
from stacks.verify.places import zones_apart
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        stands = system.at("SubnetIds").items
        for launch in launches(template):
            if not (launch.accelerated and stands and launch.subnets) or zones_apart(launch.subnets):
                continue
            if zones_apart((*launch.subnets, *stands)):
                yield broken(stands[0], f"the file system stands in another zone than the nodes of {launch.by.name}")


RULE = Rule(
    id="storage-in-nodes-zone",
    severity=Severity.WARNING,
    why="every byte between zones is billed and slower, and EFA does not cross them",
    change="Put the file system into the nodes' subnet, or one of their zone.",
    source="https://docs.aws.amazon.com/fsx/latest/LustreGuide/performance.html",
    check=_check,
)
