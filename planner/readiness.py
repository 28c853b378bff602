"""How long is it from the order of a node until its replica answers?

Booting, then reading the weights from where they stand, at the rate of whichever is slowest on the way.
"""

from __future__ import annotations

from msgspec import Struct

from planner.lustre import SMALLEST_GIB
from planner.offload_time import DISK_BYTES_PER_S_PER_BYTE
from pricing.instance_type import InstanceType
from pricing.units import GIB, MEGA, MIB, TIB

# Instance, machine image, container and engine until the first byte of weights is asked for: assumed.
BOOT_S = 300.0
# A gp3 volume whose rate was not raised (Amazon EBS user guide, general purpose SSD volumes).
GP3_BYTES_PER_S = 125 * MIB
# What a file system reads a second per TiB (FSx user guide, performance).
FSX_MB_PER_S_PER_TIB = 250


class Source(Struct, frozen=True, kw_only=True):
    """Where weights may be read from, at which rate a node reads there, and why that rate. None where unknown."""

    name: str
    bytes_per_s: float | None
    basis: str


def weight_sources(machine: InstanceType, file_system: tuple[int, int] | None) -> tuple[Source, ...]:
    """The places from which a node of a type reads weights.

    `file_system` is the capacity in GiB and the MB/s per TiB of the one that the stack has.
    """
    network = _card_bytes_per_s(machine)
    return (
        _s3(machine, network),
        _ebs(machine),
        _fsx(machine, network, file_system),
        _nvme(machine),
    )


def _card_bytes_per_s(machine: InstanceType) -> float | None:
    """What one network card carries: S3 and file systems are reached over the card with the address."""
    rate = machine.network_bytes_per_s
    return None if rate is None else rate / max(len(machine.nic_slots), 1)


def _s3(machine: InstanceType, network: float | None) -> Source:
    """A copy from S3 to the node's disks, from whose cached pages the engine then reads."""
    if network is None:
        return Source(name="s3", bytes_per_s=None, basis=_network_basis(machine, "S3"))
    disk = _nvme(machine) if machine.nvme_bytes else _ebs(machine)
    if disk.bytes_per_s is not None and disk.bytes_per_s < network:
        where = f"the local disks of {machine.name}" if machine.nvme_bytes else "a gp3 volume"
        return Source(name="s3", bytes_per_s=disk.bytes_per_s, basis=f"S3 in parallel ranges, at the rate of {where}")
    return Source(name="s3", bytes_per_s=network, basis=_network_basis(machine, "S3 in parallel ranges"))


def _network_basis(machine: InstanceType, of: str) -> str:
    if machine.network_bytes_per_s is None:
        return f"no source states the network's rate of {machine.name}"
    return f"{of}, at the sustained rate of one network card of {machine.name}"


def _ebs(machine: InstanceType) -> Source:
    rate = machine.ebs_bytes_per_s
    if rate is None:
        return Source(name="ebs", bytes_per_s=None, basis=f"no source states the rate of EBS on {machine.name}")
    if rate < GP3_BYTES_PER_S:
        return Source(name="ebs", bytes_per_s=rate, basis=f"what {machine.name} sustains to EBS")
    return Source(name="ebs", bytes_per_s=GP3_BYTES_PER_S, basis="gp3 at its 125 MiB/s, unless more is paid for")


def _fsx(machine: InstanceType, network: float | None, file_system: tuple[int, int] | None) -> Source:
    capacity, rate = file_system or (SMALLEST_GIB, FSX_MB_PER_S_PER_TIB)
    said = "the stack's" if file_system else "the smallest"
    if network is None:
        return Source(name="fsx", bytes_per_s=None, basis=_network_basis(machine, "FSx"))
    served = capacity * GIB / TIB * rate * MEGA
    basis = f"{said} file system, {capacity:,} GiB at {rate} MB/s per TiB, for one node alone"
    return Source(name="fsx", bytes_per_s=min(served, network), basis=basis)


def _nvme(machine: InstanceType) -> Source:
    if not machine.nvme_bytes:
        return Source(name="nvme", bytes_per_s=None, basis=f"{machine.name} has no local disks")
    rate = machine.nvme_bytes * DISK_BYTES_PER_S_PER_BYTE
    return Source(name="nvme", bytes_per_s=rate, basis="local disks that hold the weights already, after a restart")


def ready_s(source: Source, weights_bytes_per_node: float) -> float | None:
    """Seconds from the order of a node until it answers."""
    return None if source.bytes_per_s is None else BOOT_S + weights_bytes_per_node / source.bytes_per_s
