"""What does a part of an accelerator bring: a MIG instance of it, or the fraction that an instance type is sold with?

Written "H100-80GB/1g.10gb", by the profile's name, or "L4/0.125", by the share. A slice is a device of its own: it has
its part of the memory, of the bandwidth and of the multiprocessors, and no way to other slices but through the host
(NVIDIA's MIG user guide: no peer-to-peer, over NVLink or PCIe).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from pricing.catalog import DATA, find_accelerator, load_instance_types
from pricing.errors import CatalogError
from pricing.instance_type import Accelerator, InstanceType
from pricing.records import replace
from pricing.units import MIB

# A chip's memory, and the way to it, is cut in so many parts.
MEMORY_SLICES = 8
SEPARATOR = "/"


class Slice(Struct, frozen=True, kw_only=True):
    """A part of an accelerator as a device of its own, and how many of its kind the whole is cut into at once."""

    device: Accelerator
    whole: Accelerator
    instances: int


class _Profile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    instances: int = Field(ge=1, le=7)
    memory_slices: int = Field(ge=1, le=MEMORY_SLICES)
    multiprocessors: int = Field(ge=1)
    memory_mib: int = Field(ge=1024)


class _Cut(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    chips: tuple[str, ...]
    multiprocessors: int
    source: str
    date: date
    profiles: Mapping[str, _Profile]


def is_slice(name: str) -> bool:
    """Whether the name is that of a part, rather than of a whole accelerator."""
    return SEPARATOR in name


def find_slice(name: str) -> Slice:
    """The slice of that name. Raises CatalogError, with what there is, where the chip has none such."""
    chip_name, _, part = name.partition(SEPARATOR)
    chip = find_accelerator(chip_name)
    profiles, shares = slices_of(chip.name)
    if part in profiles:
        return _mig(chip, part, profiles[part])
    if part in shares:
        return _fraction(chip, part)
    known = [*profiles, *shares]
    if not known:
        raise CatalogError(f"{name}: {chip.name} is neither cut by MIG nor sold in parts that Berth knows of")
    raise CatalogError(f"{name}: {chip.name} has no such part; it has {', '.join(known)}")


def cut_machine(machine: InstanceType, profile: str) -> InstanceType | None:
    """An instance type whose accelerators are all cut by a MIG profile, each part a device without a link to others.

    None where its accelerator has no such profile.
    """
    profiles, _ = slices_of(machine.accelerator.name)
    if profile not in profiles:
        return None
    part = find_slice(f"{machine.accelerator.name}{SEPARATOR}{profile}")
    return replace(machine, accelerator=part.device, accelerators=machine.accelerators * part.instances, link=None)


def slices_of(chip_name: str) -> tuple[Mapping[str, tuple[_Profile, _Cut]], tuple[str, ...]]:
    """MIG profiles of a chip by name, and the shares of it that instance types are sold with."""
    cut = next((item for item in _cuts() if chip_name in item.chips), None)
    profiles = {name: (profile, cut) for name, profile in cut.profiles.items()} if cut else {}
    sold = load_instance_types().values()
    shares = {item.accelerator_share for item in sold if item.accelerator.name == chip_name}
    return profiles, tuple(f"{share:g}" for share in sorted(shares) if share < 1)


def _mig(chip: Accelerator, part: str, known: tuple[_Profile, _Cut]) -> Slice:
    profile, cut = known
    share = profile.multiprocessors / cut.multiprocessors
    device = replace(
        chip,
        name=f"{chip.name}{SEPARATOR}{part}",
        memory_bytes=profile.memory_mib * MIB,
        memory_bytes_per_s=_part(chip.memory_bytes_per_s, profile.memory_slices / MEMORY_SLICES),
        flop_per_s={dtype: rate * share for dtype, rate in chip.flop_per_s.items()},
        link=None,
        tdp_w=None,
        mig_slices=1,
        listed_memory_bytes=None,
        sources={**chip.sources, "mig": cut.source},
    )
    return Slice(device=device, whole=chip, instances=profile.instances)


def _fraction(chip: Accelerator, part: str) -> Slice:
    share = float(part)
    device = replace(
        chip,
        name=f"{chip.name}{SEPARATOR}{part}",
        memory_bytes=int(chip.memory_bytes * share),
        memory_bytes_per_s=_part(chip.memory_bytes_per_s, share),
        flop_per_s={dtype: rate * share for dtype, rate in chip.flop_per_s.items()},
        link=None,
        tdp_w=None,
        mig_slices=1,
        listed_memory_bytes=None,
    )
    return Slice(device=device, whole=chip, instances=int(1 / share))


def _part(rate: float | None, share: float) -> float | None:
    return None if rate is None else rate * share


@cache
def _cuts(folder: Path = DATA) -> tuple[_Cut, ...]:
    data = yaml.load((folder / "mig.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return tuple(_Cut.model_validate(item) for item in data)
