"""A Lustre file system with EFA is large enough for it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.lustre import EFA_STEPS_GIB, file_systems, has_efa
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        size = system.at("StorageCapacity")
        rate = system.at("LustreConfiguration", "PerUnitStorageThroughput").number
        step = EFA_STEPS_GIB.get(rate or 0)
        on_grid = size.number is not None and (size.number == 1200 or size.number % 2400 == 0)
        if has_efa(system) and step and on_grid and size.number is not None and size.number % step:
            yield broken(size, f"{size.number:,} GiB at {rate} MB/s per TiB; EFA takes multiples of {step:,} GiB")


RULE = Rule(
    id="fsx-efa-capacity",
    severity=Severity.ERROR,
    why="EFA needs whole file servers: the slower a TiB, the more of them it takes to fill one",
    change="Take a multiple of the step, or a higher throughput with a smaller one (1000 MB/s per TiB: 4,800 GiB).",
    source="https://docs.aws.amazon.com/fsx/latest/LustreGuide/increase-storage-capacity.html",
    check=_check,
)
