"""How long does one optimizer step take, and on what?

Work over achieved rates, plus what cannot be hidden: collectives, the pipeline's bubble, the optimizer. The
same formulas serve one layout and arrays of them. Sources: Narayanan et al. 2021 (arXiv 2104.04473) for the
pipeline; planner.block_time and planner.training_traffic name theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from planner.block_time import block_time, head_time, least_s
from planner.calibration import TimeFactors
from planner.communication import node_fabric
from planner.layout import AnyLayout
from planner.machines import AnyMachine, of_machine
from planner.offload_time import stepped_s, streamed_s
from planner.optimizer_time import optimizer_s, trained_parameters
from planner.recipe import Recipe, Recompute, Schedule
from planner.resident import Stage, layers_per_stage, resident
from planner.setting import Setting
from planner.shape import ModelShape
from planner.training_traffic import (
    context_parallel,
    data_parallel,
    expert_parallel,
    pipeline_transfer,
    tensor_parallel,
    weight_gather,
)
from planner.work import block_work
from pricing.units import MIB

# Boot, machine image, containers and loading weights or a checkpoint, until the first step: assumed, and billed.
START_UP_S = 900
# Of 1F1B's bubble ZB-H1 leaves a third: products for weights fill the rest (Qi et al. 2023, arXiv 2401.10241).
IDLE_SHARE = {Schedule.ZERO_BUBBLE: 1 / 3}
# Tokens are stored in 4 bytes at most, and read from a gp3 volume at its baseline of 125 MiB/s (EBS user guide).
TOKEN_BYTES, STORAGE_BYTES_PER_S = 4, 125 * MIB


class StepTime(Struct, frozen=True, kw_only=True):
    """Seconds of one optimizer step on the slowest stage, by cause; numbers, or one per layout.

    `unproven` is what blocks would gain beyond the greatest utilization that was measured (TimeFactors).
    """

    matmul: Any
    attention: Any
    memory_bound: Any
    adapters: Any
    launches: Any
    unproven: Any
    recompute: Any
    head_and_loss: Any
    tensor_parallel: Any
    context_parallel: Any
    expert_parallel: Any
    weight_gather: Any
    pipeline_transfer: Any
    pipeline_bubble: Any
    data_parallel: Any
    optimizer: Any
    offload: Any
    overhead: Any
    stragglers: Any
    data_loading: Any

    @property
    def total(self) -> Any:
        """Seconds of the whole step."""
        return sum(asdict(self).values())


def step_time(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    sequence_tokens: int,
    machine: AnyMachine,
    factors: TimeFactors,
) -> StepTime:
    """Seconds of one optimizer step of sequences of `sequence_tokens` on `machine`s, or each layout on its own.

    NaN where a rate that the layout needs is unknown.
    """
    setting = Setting(
        shape=shape,
        recipe=recipe,
        layout=layout,
        sequence_tokens=sequence_tokens,
        machine=machine,
        factors=factors,
    )
    net = node_fabric(machine, factors)
    work = block_work(shape, sequence_tokens, recipe.activation_bytes)
    block = block_time(work, setting)
    # A pass back over the blocks that have one, and under full recompute a second one forward.
    passes = 1 + (2 if recipe.recompute is Recompute.FULL else 1) * setting.trained
    tensor = passes * tensor_parallel(setting, net, block)
    context = passes * context_parallel(setting, net, block)
    expert = passes * expert_parallel(setting, net)
    at_work = block.total + tensor + context + expert
    # A pass backward launches twice what a pass forward does.
    launches = _waited_for(at_work, (passes + setting.trained) * factors.launch_s_per_block)
    unproven = np.maximum(least_s(work, setting) - at_work - launches, 0.0)
    one_block, one_head = at_work + launches + unproven, head_time(setting)
    held = resident(shape, layout, Stage.FIRST, recipe.adapter)
    blocks, headed = _slowest_stage(shape, layout, one_block, one_head)
    blocks, heads = layout.micro_batches * blocks, layout.micro_batches * headed
    busy = blocks * one_block + heads * one_head
    gather = weight_gather(setting, held, net, busy)
    micro_batch_s = (busy + gather) / layout.micro_batches
    # Where stages differ, the bubble is as long as the other stages take.
    mean_stage = (shape.layers * one_block + one_head) / layout.pipeline + gather / layout.micro_batches
    trained = trained_parameters(setting, held)
    idle = (layout.pipeline - 1) / layout.virtual * IDLE_SHARE.get(recipe.schedule, 1.0)
    terms = {
        "matmul": blocks * block.matmul,
        "attention": blocks * block.attention,
        "memory_bound": blocks * block.memory_bound,
        "adapters": blocks * block.adapters,
        "launches": blocks * launches,
        "unproven": blocks * unproven,
        "recompute": blocks * block.recompute,
        "head_and_loss": heads * one_head,
        "tensor_parallel": blocks * tensor,
        "context_parallel": blocks * context,
        "expert_parallel": blocks * expert,
        "weight_gather": gather,
        "pipeline_transfer": pipeline_transfer(setting, net, busy),
        "pipeline_bubble": idle * np.minimum(mean_stage, micro_batch_s),
        "data_parallel": data_parallel(setting, held, net, micro_batch_s),
        "optimizer": optimizer_s(setting, trained, net),
        "offload": streamed_s(work, setting, held, blocks, busy) + stepped_s(setting, trained, micro_batch_s * 2 / 3),
        "overhead": factors.step_s + 0.0 * layout.data,
    }
    nodes = np.maximum(layout.devices / of_machine(lambda one: one.devices, machine), 1.0)
    at_pace = sum(terms.values())
    late = _stragglers(factors, nodes) * at_pace
    return StepTime(**terms, stragglers=late, data_loading=_data_loading(setting, nodes, at_pace + late))


def _waited_for(at_work: Any, launching: Any) -> Any:
    """Seconds that a device waits for launches of kernels beside its `at_work` seconds.

    Of a block's kernels some last longer than the next one's launch and some shorter, so a device waits a little even
    where work outweighs launches: the fourth-power mean of the two is 19 % above either where they are equal.
    """
    work, launch = at_work * at_work, launching * launching
    return np.sqrt(np.sqrt(work * work + launch * launch)) - at_work


def _slowest_stage(shape: ModelShape, layout: AnyLayout, one_block: Any, one_head: Any) -> tuple[Any, Any]:
    """Blocks and heads (0 or 1) of the stage that takes longest.

    The last stage has the head and, where layers do not divide, fewer blocks than others.
    """
    fullest = layers_per_stage(shape, layout)
    chunks = layout.pipeline * layout.virtual
    chunk = fullest // layout.virtual
    last = np.maximum(shape.layers - chunk * (chunks - 1), 0) + chunk * (layout.virtual - 1)
    heads = np.greater_equal(last * one_block + one_head, fullest * one_block)
    return np.where(heads, last, fullest), np.where(heads, 1, 0)


def _data_loading(setting: Setting, nodes: Any, step_s: Any) -> Any:
    """Seconds that a step waits for its tokens: each node reads its part of a batch while the last one is at work."""
    layout = setting.layout
    sequences = layout.data * layout.micro_batch * layout.micro_batches
    read_s = sequences * setting.sequence_tokens * TOKEN_BYTES / nodes / STORAGE_BYTES_PER_S
    return np.maximum(read_s - step_s, 0.0)


def _stragglers(factors: TimeFactors, nodes: Any) -> Any:
    """Share by which a step is longer because all wait for the slowest node.

    Nodes' times scatter; of n independent ones the longest lies sqrt(2 ln n) deviations above the mean.
    """
    return factors.straggling * np.sqrt(2 * np.log(nodes))
