"""A Lustre file system has a throughput that there is."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.lustre import file_systems, throughputs
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        stated, grid = system.at("LustreConfiguration", "PerUnitStorageThroughput"), throughputs(system)
        if grid is None or stated.open:
            continue
        kind = system.at("LustreConfiguration", "DeploymentType").text
        if grid and stated.missing:
            yield broken(system, f"{kind} needs PerUnitStorageThroughput, one of {', '.join(map(str, grid))}")
        elif not stated.missing and stated.number not in grid:
            allowed = f"takes {', '.join(map(str, grid))}" if grid else "takes none"
            yield broken(stated, f"{stated.value} MB/s per TiB; {kind} {allowed}")


RULE = Rule(
    id="fsx-throughput-grid",
    severity=Severity.ERROR,
    why="each kind of file system has its own throughputs, and FSx refuses any other",
    change="Choose one that the deployment type takes.",
    source="https://docs.aws.amazon.com/fsx/latest/LustreGuide/managing-throughput-capacity.html",
    check=_check,
)
