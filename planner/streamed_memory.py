"""What does a replica ask of device, host and disk whose weights or cache lie off the device?

The device's part is what `berth estimate` tells of the same configuration; a block of several batches adds the cache,
or the rows, of those that wait.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.calibration import EagerFactors
from planner.layout import AnyLayout
from planner.recipe import Place, Recipe
from planner.search import Demand
from planner.serving import Load
from planner.serving_memory import STREAMED_BLOCKS, served_elsewhere, served_need, waiting_bytes, with_overheads
from planner.shape import ModelShape
from pricing.instance_type import InstanceType
from pricing.units import GIB

# Of a node's memory: the kernel keeps a part of it (64 GiB are 62), each process its interpreter, CUDA and PyTorch.
HOST_SHARE, HOST_RESERVE_BYTES = 0.96, 4 * GIB
# Of local disks: what a file system keeps for itself (ext4: 5 %).
DISK_SHARE = 0.95
OF_HOST, OF_DISK = "of host memory per node", "of local disk per node"


def streamed_bytes(
    shape: ModelShape, recipe: Recipe, load: Load, layout: AnyLayout, context_bytes: float, eager: EagerFactors
) -> dict[str, Any]:
    """Bytes on the device of a replica that streams, by cause; as `berth estimate` tells them of one batch."""
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
    return with_overheads(need, recipe, eager, context_bytes)


def streamed_demands(
    shape: ModelShape, recipe: Recipe, load: Load, layout: AnyLayout, machine: InstanceType
) -> tuple[Demand, Demand]:
    """What replicas on all devices of a node ask of its memory and of its disks, and what there is."""
    each = machine.devices
    block = layout.micro_batch * layout.micro_batches
    host, disk = (
        served_elsewhere(shape, recipe, block, load.context_tokens, place) for place in (Place.HOST, Place.DISK)
    )
    if recipe.kv_place is not Place.DEVICE:
        host = host + waiting_bytes(shape, block, load.input_tokens)
    # What is read from disk passes through the host.
    largest = recipe.block_weight_bytes * max(run.parameters(shape.hidden, shape.norm_bias) for run in shape.blocks)
    host = host + HOST_RESERVE_BYTES + STREAMED_BLOCKS * largest * (recipe.weights_place is Place.DISK)
    return (
        Demand(of=OF_HOST, need=np.asarray(host * each), have=HOST_SHARE * machine.host_memory_bytes),
        Demand(of=OF_DISK, need=np.asarray(disk * each + 0.0 * block), have=DISK_SHARE * machine.nvme_bytes),
    )
