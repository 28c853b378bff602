"""A Lustre file system has a size that there is."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.lustre import file_systems, sizes
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        size, grid = system.at("StorageCapacity"), sizes(system)
        if size.open:
            yield cannot_know(size, "the size of the file system")
        elif size.number is not None and grid and not grid.takes(size.number):
            yield broken(size, f"{size.number:,} GiB is not {grid.words}")


RULE = Rule(
    id="fsx-capacity-grid",
    severity=Severity.ERROR,
    why="FSx sells Lustre in steps, and refuses what lies between",
    change="Choose the next size on the grid.",
    source="https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystem.html",
    check=_check,
)
