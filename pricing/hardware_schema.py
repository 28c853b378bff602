"""What may stand in a file of `data/accelerators`?

One class per block of the file. Keys carry their units; a key left out or null means that no source states
the figure. Every block says who states it and on which day that was read.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pricing.instance_type import Link, LinkKind
from pricing.units import GIB, GIGA, MIB

Dtype = Literal["fp32", "tf32", "bf16", "fp16", "fp8", "fp4", "int8"]
UsageClass = Literal["on-demand", "spot", "capacity-block"]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Sourced(_Block):
    source: str = Field(min_length=1)
    date: datetime.date

    @property
    def said_by(self) -> str:
        return f"{self.source} ({self.date})"


class _Memory(_Sourced):
    """Figures for one chip; `mib_api_wrong` keeps an API figure that is known to be false and is not used."""

    mib_api: Count | None = None
    mib_nvidia_smi: Count | None = None
    gib_documented: Rate | None = None
    gb_marketing: Rate | None = None
    mib_api_wrong: Count | None = None

    @model_validator(mode="after")
    def _states_a_size(self) -> Self:
        if not self.usable_bytes():
            raise ValueError("no usable figure")
        return self

    def usable_bytes(self) -> int:
        """The smallest figure known; the marketing one, in decimal GB, only where it stands alone."""
        sizes = self._sizes()
        return min(sizes) if sizes else int((self.gb_marketing or 0) * GIGA)

    def listed_bytes(self) -> int:
        """The largest figure known, by which people look for the chip."""
        return max((*self._sizes(), self.usable_bytes()))

    def _sizes(self) -> list[int]:
        figures = ((self.mib_api, MIB), (self.mib_nvidia_smi, MIB), (self.gib_documented, GIB))
        return [int(figure * unit) for figure, unit in figures if figure]


class _MemoryBandwidth(_Sourced):
    gb_per_s: Rate


class _Rates(_Sourced):
    """Dense peaks; sparse ones are halved before they come here."""

    tflop_per_s: dict[Dtype, Rate]


class _LinkRate(_Block):
    kind: LinkKind
    gb_per_s_each_way: Rate | None
    accelerators: Count | None = None

    def record(self) -> Link:
        each_way = self.gb_per_s_each_way
        rate = None if each_way is None else each_way * GIGA
        return Link(kind=self.kind, bytes_per_s=rate, accelerators=self.accelerators)


class _Link(_LinkRate, _Sourced):
    pass


class _Board(_Sourced):
    tdp_w: Count | None
    mig_slices: Count


class Size(_Block):
    """One instance type. A baseline stands beside a figure that can only be held for a while."""

    accelerators: Count
    accelerator_share: float = Field(default=1.0, gt=0, le=1)
    vcpus: Count
    host_memory_gib: Rate
    nvme_gb: int = Field(ge=0)
    network_gbps: Rate | None = None
    network_baseline_gbps: Rate | None = None
    ebs_gbps: Rate | None = None
    ebs_baseline_gbps: Rate | None = None
    network_cards: int = Field(default=0, ge=0)
    nic_slots_per_card: Count | list[Count] = Field(default_factory=list)
    efa_cards: Literal["all"] | list[int] = Field(default_factory=list)
    gpudirect_rdma: bool | None = False
    usage_classes: list[UsageClass] | None = None

    @model_validator(mode="after")
    def _cards_agree(self) -> Self:
        if len(self.nic_slots()) != self.network_cards:
            raise ValueError("nic_slots_per_card names another number of cards than network_cards")
        if not set(self.efa()) <= set(range(self.network_cards)):
            raise ValueError("efa_cards names a card that the type does not have")
        return self

    def nic_slots(self) -> tuple[int, ...]:
        """How many interfaces each card takes, by card; empty where the layout is unknown."""
        slots = self.nic_slots_per_card
        return (slots,) * self.network_cards if isinstance(slots, int) else tuple(slots)

    def efa(self) -> tuple[int, ...]:
        """The cards that take an EFA device."""
        return tuple(range(self.network_cards)) if self.efa_cards == "all" else tuple(self.efa_cards)


class Family(_Sourced):
    """Instance types of one family. What is stated here holds for each whose own line is silent."""

    family: str
    architecture: Literal["x86_64", "arm64"]
    usage_classes: list[UsageClass]
    retired: bool = False
    link: _LinkRate | None = None
    gpudirect_source: str | None = None
    sizes: dict[str, Size]


class HardwareFile(_Block):
    """One accelerator and the families that carry it."""

    name: str
    vendor: Literal["NVIDIA", "AMD", "AWS", "Intel", "Qualcomm"]
    ranks: Count
    memory: _Memory
    memory_bandwidth: _MemoryBandwidth | None = None
    rates: _Rates | None = None
    link: _Link | None = None
    board: _Board | None = None
    instance_types: list[Family] = Field(default_factory=list)
