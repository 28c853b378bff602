"""What does a replica ask of device, host and disk whose weights or cache lie off the device?

The device's part is what `berth estimate` tells of the same configuration; a block of several batches adds the cache,
or the rows, of those that wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from planner.batch_record import HOST_RESERVE_BYTES
from planner.calibration import Calibration
from planner.layout import AnyLayout
from planner.memory_band import served_band
from planner.plan import Band
from planner.recipe import Place, Recipe
from planner.serving import Load
from planner.serving_memory import (
    STREAMED_BLOCKS,
    served_elsewhere,
    served_need,
    streamed_weight_bytes,
    waiting_bytes,
    with_overheads,
)
from planner.shape import ModelShape
from pricing.instance_type import InstanceType

# Of a node's memory: the kernel keeps a part of it (64 GiB are 62).
HOST_SHARE = 0.96
# Of local disks: what a file system keeps for itself (ext4: 5 %).
DISK_SHARE = 0.95


class StreamedMemory(Struct, frozen=True, kw_only=True):
    """What a replica takes, by place. Bytes; numbers, or one per layout.

    `terms` are those of its device by cause; `host` and `disk` what the replicas of a node take of its memory and
    disks, and `host_have` and `disk_have` what there is. `kept_here` and `kept_on_host` are the shares of the weights
    for which there was room beside that; `band` is that of the device's sum.
    """

    terms: Mapping[str, Any]
    host: Any
    host_have: float
    disk: Any
    disk_have: float
    kept_here: Any
    kept_on_host: Any
    band: Band

    @property
    def total(self) -> Any:
        """Bytes of the device."""
        return sum(self.terms.values())


def device_terms(
    shape: ModelShape, recipe: Recipe, load: Load, layout: AnyLayout, vendor: str, calibration: Calibration
) -> dict[str, Any]:
    """Bytes on the device of a replica, by cause; as `berth estimate` tells them of one batch."""
    need = served_need(
        shape,
        recipe,
        sequences=layout.micro_batch,
        input_tokens=load.input_tokens,
        output_tokens=load.context_tokens - load.input_tokens,
        prefill_tokens=load.input_tokens,
        chunk_rows=1,
        devices=1,
        waiting=layout.micro_batch * (layout.micro_batches - 1),
    )
    context = calibration.memory[vendor].context_bytes
    return with_overheads(need, recipe, calibration.eager_factors("default"), context)


def streamed_memory(
    shape: ModelShape,
    recipe: Recipe,
    load: Load,
    layout: AnyLayout,
    machine: InstanceType,
    calibration: Calibration,
    *,
    splits: bool,
    terms: Mapping[str, Any] | None = None,
) -> StreamedMemory:
    """The memory of replicas on all devices of a node, each with a copy of the weights of its own.

    Where weights can be split over places, what there is room for stays near. `terms` are the device's, if known.
    """
    chip = machine.accelerator
    terms = terms or device_terms(shape, recipe, load, layout, chip.vendor, calibration)
    band = served_band(shape, recipe, chip, calibration.eager_factors("default").band, calibration)
    host, disk = _elsewhere(shape, recipe, load, layout)
    have_host, have_disk = HOST_SHARE * machine.host_memory_bytes, DISK_SHARE * machine.nvme_bytes
    weights, place = streamed_weight_bytes(shape, recipe), recipe.weights_place
    here = on_host = 0.0 * layout.micro_batch
    if splits and place is not Place.DEVICE:
        here = np.clip((machine.device_memory_bytes / band.high - sum(terms.values())) / weights, 0.0, 1.0)
        terms = {**terms, "weights kept there": here * weights}
        host, disk = host - (place is Place.HOST) * here * weights, disk - (place is Place.DISK) * here * weights
    if splits and place is Place.DISK:
        on_host = np.clip((have_host / machine.devices - host) / weights, 0.0, 1.0 - here)
        host, disk = host + on_host * weights, disk - on_host * weights
    return StreamedMemory(
        terms=terms,
        host=host * machine.devices,
        host_have=have_host,
        disk=disk * machine.devices,
        disk_have=have_disk,
        kept_here=here,
        kept_on_host=on_host,
        band=band,
    )


def _elsewhere(shape: ModelShape, recipe: Recipe, load: Load, layout: AnyLayout) -> tuple[Any, Any]:
    """Bytes that a replica keeps on the host and on disk, all weights where the recipe says."""
    block = layout.micro_batch * layout.micro_batches
    host, disk = (
        served_elsewhere(shape, recipe, block, load.context_tokens, place) for place in (Place.HOST, Place.DISK)
    )
    if recipe.kv_place is not Place.DEVICE:
        host = host + waiting_bytes(shape, block, load.input_tokens)
    # What is read from disk passes through the host.
    largest = recipe.block_weight_bytes * max(run.parameters(shape.hidden, shape.norm_bias) for run in shape.blocks)
    host = host + HOST_RESERVE_BYTES + STREAMED_BLOCKS * largest * (recipe.weights_place is Place.DISK)
    return host, disk + 0.0 * block
