"""What does a plan say of a batch job beside its time and money?"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from pricing.units import GIB

# What a process takes of the host beside its tensors: interpreter, PyTorch (of whose import alone 1 GB was reported,
# pytorch/pytorch#63555), CUDA's and the engine's own buffers. Assumed; no source with the sum was found.
HOST_RESERVE_BYTES = 4 * GIB


class PlaceNeed(Struct, frozen=True, kw_only=True):
    """What a node keeps off its accelerators, as `of host memory per node`, and what it has of that. Bytes."""

    of: str
    need_bytes: int
    have_bytes: int


class PassParts(Struct, frozen=True, kw_only=True):
    """One pass of a block through the model: seconds, and of each part that goes on in it."""

    name: str
    total_s: float
    to_device_s: float
    from_device_s: float
    disk_reads_s: float
    disk_writes_s: float
    device_s: float


class Batch(Struct, frozen=True, kw_only=True):
    """A batch job's work. Requests, tokens, USD of the instances.

    Each of `replicas` has up to `in_flight` requests at work at once; where weights or cache stream in, as a block of
    which `passes` tell the parts, at once where the engine `overlaps` them. `elsewhere` is what a node keeps off its
    accelerators. The last of several blocks may have `last_requests` alone, 0 where all are whole, and takes
    `last_s`: weights come in whole for it too. A job that `embeds` gets no tokens out. The run it belongs to has steps
    of an engine, or blocks, of one replica.
    """

    requests: int
    replicas: int
    in_flight: int
    usd_per_million_tokens: Decimal
    elsewhere: tuple[PlaceNeed, ...] = ()
    passes: tuple[PassParts, ...] = ()
    overlaps: bool = True
    last_requests: int = 0
    last_s: float = 0.0
    embeds: bool = False
