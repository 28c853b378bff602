"""What hardware does an instance type bring?"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class LinkKind(StrEnum):
    """How the accelerators of one instance reach each other."""

    NVSWITCH = "nvswitch"
    NVLINK = "nvlink"
    NEURONLINK = "neuronlink"
    PCIE = "pcie"


class Link(Struct, frozen=True, kw_only=True):
    """The path between accelerators of one instance.

    `bytes_per_s` is one accelerator's rate in one direction; None where no source states it, which rejects
    layouts that need it. `accelerators` is how many it joins where that is more than one instance's (72 in an NVL72
    rack, which EC2 sells as an UltraServer); None for those of the instance.
    """

    kind: LinkKind
    bytes_per_s: float | None
    accelerators: int | None = None


class Accelerator(Struct, frozen=True, kw_only=True):
    """One accelerator chip as a process sees it. Bytes, bytes/s, FLOP/s (dense, no sparsity).

    `memory_bytes` is the smallest of the figures that the EC2 API, nvidia-smi and the vendor's documentation
    give; the marketing one (decimal GB) only where no other is known. `listed_memory_bytes` is the largest of them, by
    which people know the chip. `flop_per_s` has a key for every dtype
    whose rate some source states; a missing key means unknown and rejects the candidate for time. `ranks` is
    the number of devices that frameworks count on one chip: 1 on a GPU, the NeuronCores on Trainium and
    Inferentia. `mig_slices` is the most parts that MIG cuts it into; 1 where there is no MIG.
    """

    name: str
    vendor: str
    memory_bytes: int
    memory_bytes_per_s: float | None
    flop_per_s: Mapping[str, float]
    ranks: int
    link: Link | None
    tdp_w: int | None
    mig_slices: int
    sources: Mapping[str, str]
    listed_memory_bytes: int | None = None


class InstanceType(Struct, frozen=True, kw_only=True):
    """One EC2 instance type with accelerators. Bytes, bytes/s.

    `accelerator_share` is below 1 where the type brings a slice of one accelerator (g6f: 1/8 to 1/2); its
    memory is that share. `efa_cards` lists the network cards that take an EFA device (p6-b300's card 0 does
    not); `nic_slots` is how many interfaces each card takes, by card. Both empty means that the layout of the
    cards is unknown, which rejects plans of several nodes; no EFA card but NIC slots means TCP only.
    `network_bytes_per_s` and `ebs_bytes_per_s` are sustained: the baseline where AWS states one, not the
    burst. `link` is None on types with one accelerator, and where no source says how several are joined.
    `usage_classes` are EC2's: on-demand, spot, capacity-block; empty where unknown. `retired` marks types
    that EC2 no longer lists; they stay known, and are not planned onto unless pinned.
    """

    name: str
    family: str
    accelerator: Accelerator
    accelerators: int
    accelerator_share: float
    vcpus: int
    host_memory_bytes: int
    nvme_bytes: int
    network_bytes_per_s: float | None
    ebs_bytes_per_s: float | None
    efa_cards: tuple[int, ...]
    nic_slots: tuple[int, ...]
    gpudirect_rdma: bool | None
    link: Link | None
    architecture: str
    usage_classes: frozenset[str]
    retired: bool
    sources: Mapping[str, str]

    @property
    def devices(self) -> int:
        """Devices that a framework counts on one node: GPUs, or NeuronCores."""
        return self.accelerators * self.accelerator.ranks

    @property
    def device_memory_bytes(self) -> int:
        """Memory that one device can have."""
        return int(self.accelerator.memory_bytes * self.accelerator_share) // self.accelerator.ranks

    @property
    def total_memory_bytes(self) -> int:
        """Accelerator memory of one node."""
        return self.device_memory_bytes * self.devices

    @property
    def listed_memory_bytes(self) -> int:
        """Accelerator memory of one node by the figures that lists print; more than a process can have."""
        each = self.accelerator.listed_memory_bytes or self.accelerator.memory_bytes
        return int(each * self.accelerator_share) * self.accelerators

    def flop_per_s_per_device(self, dtype: str) -> float | None:
        """Dense peak FLOP/s of one device at `dtype`; None where no source states it."""
        peak = self.accelerator.flop_per_s.get(dtype)
        return None if peak is None else peak * self.accelerator_share / self.accelerator.ranks

    @property
    def memory_bytes_per_s_per_device(self) -> float | None:
        """Memory bandwidth of one device; None where no source states it."""
        rate = self.accelerator.memory_bytes_per_s
        return None if rate is None else rate * self.accelerator_share / self.accelerator.ranks
