"""Which sizes and throughputs can a Lustre file system have?"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stacks.verify.template import Resource, Template

# GiB by MB/s per TiB: LustreGuide, increase-storage-capacity.
EFA_STEPS_GIB = {125: 38400, 250: 19200, 500: 9600, 1000: 4800}
# MB/s per TiB by deployment type and storage: LustreGuide, managing-throughput-capacity and using-fsx-lustre.
_THROUGHPUTS = {
    ("PERSISTENT_2", "SSD"): (125, 250, 500, 1000),
    ("PERSISTENT_1", "SSD"): (50, 100, 200),
    ("PERSISTENT_1", "HDD"): (12, 40),
    ("SCRATCH_1", "SSD"): (),
    ("SCRATCH_2", "SSD"): (),
}
_HDD_STEPS_GIB = {12: 6000, 40: 1800}


class Grid(Struct, frozen=True):
    """The sizes that FSx sells, in GiB: some, and the multiples of a step."""

    single: tuple[int, ...]
    step: int

    def takes(self, size: int) -> bool:
        """Whether FSx sells the size."""
        return size in self.single or (size > 0 and size % self.step == 0)

    @property
    def words(self) -> str:
        """The sizes in words."""
        return " or ".join((*(f"{each:,}" for each in self.single), f"a multiple of {self.step:,}"))


def file_systems(template: Template) -> Iterator[Resource]:
    """The Lustre file systems of a template."""
    for resource in template.of("AWS::FSx::FileSystem"):
        if resource.at("FileSystemType").text == "LUSTRE":
            yield resource


def has_efa(system: Resource) -> bool:
    """Whether it is said to have EFA."""
    return system.at("LustreConfiguration", "EfaEnabled").flag is True


def throughputs(system: Resource) -> tuple[int, ...] | None:
    """The throughputs that its kind may have, none for scratch; None where its kind is not known."""
    return _THROUGHPUTS.get(_kind(system))


def sizes(system: Resource) -> Grid | None:
    """The sizes that its kind may have; None where its kind is not known."""
    kind, storage = _kind(system)
    if storage == "HDD":
        step = _HDD_STEPS_GIB.get(system.at("LustreConfiguration", "PerUnitStorageThroughput").number or 0)
        return Grid((), step) if step else None
    if kind == "SCRATCH_1":
        return Grid((1200, 2400), 3600)
    return Grid((1200,), 2400) if (kind, storage) in _THROUGHPUTS else None


def _kind(system: Resource) -> tuple[str, str]:
    stated, storage = system.at("LustreConfiguration", "DeploymentType"), system.at("StorageType")
    kind = "SCRATCH_1" if stated.missing else stated.text or ""
    return kind, "SSD" if storage.missing else storage.text or ""
