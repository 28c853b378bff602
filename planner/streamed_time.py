"""How long does a replica take whose weights or cache come from the host or from disk?

FlexGen's schedule and cost model (Sheng et al. 2023, arXiv 2303.06865, sections 4.2 and 4.3): the batches of a block go
through a layer one after the other while the next layer's weights come, so that weights are read once for each pass
over the block. A pass takes as long as the slowest of what goes on at once: copies to the device and back, reads and
writes of the disks, and the device's own work; `T = T_pre + (n - 1) T_gen` for answers of n tokens. Layers are alike,
so that sums over all of them stand for each. The device reads a cache that lies elsewhere over its link; attention on
the host's processors is not counted on, since no source states how fast the hosts' memories are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from planner.batch_time import ReplicaRun
from planner.calibration import ServingFactors
from planner.framework import Streaming
from planner.kv_cache import cache_bytes
from planner.layout import AnyLayout, Layout
from planner.local_disks import disk_rates
from planner.offload_time import host_bytes_per_s
from planner.recipe import Place, Recipe
from planner.replica import Replica
from planner.serving_memory import streamed_weight_bytes, waiting_bytes
from planner.serving_modes import Lengths
from planner.shape import ModelShape
from planner.step_work import step_work
from pricing.instance_type import InstanceType


class PassTime(Struct, frozen=True, kw_only=True):
    """One pass of a block through all layers, by what it keeps busy. Seconds; numbers, or one per layout."""

    to_device: Any
    from_device: Any
    disk_reads: Any
    disk_writes: Any
    device: Any

    def total_s(self, streaming: Streaming) -> Any:
        """The longest where an engine does all at once, else the sum."""
        each = [*asdict(self).values()]
        return np.max(np.broadcast_arrays(*each), axis=0) if streaming.overlaps else sum(each)


class Streamed(Struct, frozen=True, kw_only=True):
    """A replica on one device, and the rates at which it is fed, bytes/s.

    `weights_s` are the seconds in which the weights of all layers come to the device, and from the disks, each once.
    """

    shape: ModelShape
    recipe: Recipe
    streaming: Streaming
    replica: Replica
    link: float
    disk_read: float
    disk_write: float
    weights_s: tuple[Any, Any]

    def prompts(self, batch: Any, batches: Any, lengths: Lengths) -> PassTime:
        """The first pass: all prompts of a block, which leave their cache behind."""
        rows = batch * lengths.prompt
        device = batches * self.replica.step_s(0.0, 0.0, rows, rows * lengths.prompt / 2)
        return self._pass(batch * batches, 0.0, lengths.prompt, device, lengths.prompt)

    def token(self, batch: Any, batches: Any, lengths: Lengths, live: float | None = None) -> PassTime:
        """A further pass: one token of each sequence of a block, which has `live` tokens, those of the middle of its
        answer where None."""
        tokens = lengths.live if live is None else live
        device = batches * self.replica.step_s(batch, batch * tokens)
        return self._pass(batch * batches, tokens, 1.0, device, 1.0)

    def block_s(self, batch: Any, batches: Any, lengths: Lengths) -> tuple[Any, Any]:
        """Seconds of a block's prompts, and of all further tokens of its answers."""
        first = self.prompts(batch, batches, lengths).total_s(self.streaming)
        each = self.token(batch, batches, lengths).total_s(self.streaming)
        return first, (lengths.answer - 1) * each

    def _pass(self, sequences: Any, read_tokens: Any, new_tokens: Any, device: Any, rows: Any) -> PassTime:
        """`read_tokens` of each sequence's cache come to the device, `new_tokens` leave it, `rows` are handed on."""
        recipe, shape = self.recipe, self.shape
        sent_s, read_s = self.weights_s
        loaded, stored = (
            sequences * cache_bytes(shape, recipe.kv_bytes, float(tokens)) for tokens in (read_tokens, new_tokens)
        )
        away, on_disk = recipe.kv_place is not Place.DEVICE, recipe.kv_place is Place.DISK
        # Rows wait beside the cache: in host memory where that is off the device.
        handed = away * shape.layers * waiting_bytes(shape, sequences, rows)
        return PassTime(
            to_device=sent_s + (away * loaded + handed) / self.link,
            from_device=(away * stored + handed) / self.link,
            disk_reads=read_s + _over(on_disk * loaded, self.disk_read),
            disk_writes=_over(on_disk * stored, self.disk_write),
            device=device,
        )


def streamed_replica(
    shape: ModelShape,
    recipe: Recipe,
    streaming: Streaming,
    machine: InstanceType,
    factors: ServingFactors,
    *,
    kept: tuple[Any, Any] = (0.0, 0.0),
) -> Streamed:
    """The replica of one device of a machine, whose disks all its devices share; `kept` are the shares of the weights
    on the device and on the host."""
    disks, place, (here, on_host) = disk_rates(machine.name), recipe.weights_place, kept
    link, disk_read = host_bytes_per_s(machine) * machine.accelerator_share, disks.read / machine.devices
    weights = streamed_weight_bytes(shape, recipe) * (place is not Place.DEVICE)
    replica = Replica(
        # The same for every block: one device has the whole model pass through it.
        work=step_work(shape, recipe, Layout(), machine),
        factors=factors,
        capacity_tokens=np.inf,
        largest_batch=factors.largest_batch,
        batched_tokens=np.inf,
        mixes_prompts=False,
    )
    return Streamed(
        shape=shape,
        recipe=recipe,
        streaming=streaming,
        replica=replica,
        link=link,
        disk_read=disk_read,
        disk_write=disks.write / machine.devices,
        weights_s=(
            (1 - here) * weights / link,
            _over((1 - here - on_host) * weights * (place is Place.DISK), disk_read),
        ),
    )


def streamed_run(streamed: Streamed, layout: AnyLayout, lengths: Lengths, share: Any) -> ReplicaRun:
    """`share` requests in whole blocks, and what is left in a block of fewer batches."""
    batch, batches = layout.micro_batch, layout.micro_batches
    block = batch * batches
    whole = np.floor(share / block)
    left = np.ceil((share - whole * block) / batch)
    full = streamed.block_s(batch, batches, lengths)
    last = streamed.block_s(batch, np.maximum(left, 1.0), lengths)
    # Of a share of less than a block, its own.
    prompts, further = (np.where(whole > 0, *each) for each in zip(full, last, strict=True))
    return ReplicaRun(
        work_s=whole * sum(full) + (left > 0) * sum(last),
        steps=whole + (left > 0),
        step_s=prompts + further,
        terms={"prompts": prompts, "further tokens": further},
        in_flight=np.minimum(block, share),
    )


def _over(size: Any, bytes_per_s: float) -> Any:
    """Seconds for so many bytes; none for none, whatever the rate."""
    return np.where(np.asarray(size) > 0, size / bytes_per_s, 0.0)
