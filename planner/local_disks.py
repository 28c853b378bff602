"""How fast do the local disks of an instance type read and write?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from msgspec import Struct

# Of the reads and writes that AWS counts (EC2 user guide, instance store).
PIECE_BYTES = 4096


class DiskRates(Struct, frozen=True, kw_only=True):
    """Bytes/s of all local disks of a node together; NaN where no source states them."""

    read: float
    write: float


UNKNOWN = DiskRates(read=float("nan"), write=float("nan"))


def disk_rates(instance_type: str) -> DiskRates:
    """The least that a type's local disks read and write (planner/data/local_disks.yaml)."""
    return _known().get(instance_type, UNKNOWN)


@cache
def _known() -> Mapping[str, DiskRates]:
    text = files("planner").joinpath("data/local_disks.yaml").read_text(encoding="utf-8")
    rows = yaml.load(text, Loader=yaml.CSafeLoader)["reads_writes_per_s"]
    return {
        name: DiskRates(read=float(reads * PIECE_BYTES), write=float(writes * PIECE_BYTES))
        for name, (reads, writes) in rows.items()
    }
