"""How long does one optimizer step take, and on what?

Work over achieved rates, plus what cannot be hidden: collectives, the pipeline's bubble, the optimizer. The
same formulas serve one layout and arrays of them. Sources: Narayanan et al. 2021 (arXiv 2104.04473) for the
pipeline, Korthikanti et al. 2022 (arXiv 2205.05198) for tensor and sequence parallelism, Rajbhandari et al.
2019 (arXiv 1910.02054) for ZeRO's traffic, Dao 2023 (arXiv 2307.08691) for attention's backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from planner.calibration import TimeFactors
from planner.communication import Fabric, node_fabric
from planner.layout import AnyLayout
from planner.recipe import Recipe, Recompute
from planner.resident import Resident, Stage, layers_per_stage, resident
from planner.shape import ModelShape
from planner.work import BlockWork, block_work, head_flop
from pricing.instance_type import InstanceType

# Flash attention's backward does five products where the forward does two (arXiv 2307.08691, section 3.1.2).
ATTENTION_BACKWARD = 2.5
# Per-op selective recompute does every second matrix product again.
SELECTIVE_SHARE = 0.5
# Logits are written in 16 bits, read and written in float32 by the loss, and their gradient written and read.
LOGIT_TRAFFIC_BYTES = 20
# Attention runs in 16 bits whatever the type of the products.
# Boot, machine image, containers and loading weights or a checkpoint, until the first step: assumed, and billed.
START_UP_S = 900
ATTENTION_DTYPES = {"fp8": "bf16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """Seconds of one optimizer step on the slowest stage, by cause; numbers, or one per layout."""

    matmul: Any
    attention: Any
    memory_bound: Any
    launches: Any
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

    @property
    def total(self) -> Any:
        """Seconds of the whole step."""
        return sum(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Seconds of one block for one micro-batch: forward, backward, and what is done again."""

    matmul: Any
    attention: Any
    memory_bound: Any
    launches: Any
    recompute: Any

    @property
    def total(self) -> Any:
        return self.matmul + self.attention + self.memory_bound + self.launches + self.recompute


def step_time(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    sequence_tokens: int,
    machine: InstanceType,
    factors: TimeFactors,
) -> StepTime:
    """Seconds of one optimizer step of sequences of `sequence_tokens` on `machine`s.

    NaN where a rate that the layout needs is unknown.
    """
    work = block_work(shape, sequence_tokens, recipe.activation_bytes)
    tokens = layout.micro_batch * sequence_tokens / layout.context
    net = node_fabric(machine, factors)
    block = _block(work, recipe, layout, tokens, machine, factors)
    held = resident(shape, layout, Stage.FIRST, recipe.adapter)
    blocks = layout.micro_batches * layers_per_stage(shape, layout)
    head = layout.micro_batches * _head(shape, recipe, layout, tokens, machine, factors)
    passes = 3 if recipe.recompute is Recompute.FULL else 2
    tensor = blocks * passes * _tensor_parallel(shape, recipe, layout, tokens, net)
    context = blocks * passes * _context_parallel(shape, recipe, layout, tokens, net, block)
    expert = blocks * passes * _expert_parallel(shape, recipe, layout, tokens, net)
    busy = blocks * block.total + head + tensor + context + expert
    gather = _weight_gather(recipe, layout, held, net, busy)
    transfer = _pipeline_transfer(shape, recipe, layout, tokens, net)
    spread = layout.pipeline - 1
    mean_stage = (busy + gather) / layout.micro_batches
    return StepTime(
        matmul=blocks * block.matmul,
        attention=blocks * block.attention,
        memory_bound=blocks * block.memory_bound,
        launches=blocks * block.launches,
        recompute=blocks * block.recompute,
        head_and_loss=head,
        tensor_parallel=tensor,
        context_parallel=context,
        expert_parallel=expert,
        weight_gather=gather,
        pipeline_transfer=transfer,
        # 1F1B: (p - 1) micro-batches of one stage, divided by the chunks it is cut into.
        pipeline_bubble=spread / layout.virtual * mean_stage,
        data_parallel=_data_parallel(recipe, layout, held, net, factors, mean_stage),
        optimizer=_optimizer(recipe, layout, held, machine, factors),
    )


def _matrix_rate(dtype: str, rows: Any, width: Any, machine: InstanceType, factors: TimeFactors) -> Any:
    """Achieved FLOP/s of one device: less where a product has few rows or narrow shards."""
    peak = machine.flop_per_s_per_device(dtype) or np.nan
    filled = rows / (rows + factors.tokens_half) * width / (width + factors.width_half)
    return peak * factors.matmul.get(dtype, np.nan) * filled


def _block(
    work: BlockWork,
    recipe: Recipe,
    layout: AnyLayout,
    tokens: Any,
    machine: InstanceType,
    factors: TimeFactors,
) -> _Block:
    bandwidth = factors.memory * (machine.memory_bytes_per_s_per_device or np.nan)
    dense = work.dense_flop / _matrix_rate(
        recipe.compute_dtype, tokens, work.dense_width / layout.tensor, machine, factors
    )
    # The ranks of an expert group pool their tokens, so each expert sees that many times its share.
    rows = tokens * np.maximum(work.expert_share * layout.expert, 1e-9)
    expert = work.expert_flop / _matrix_rate(
        recipe.compute_dtype, rows, work.expert_width / layout.tensor, machine, factors
    )
    products = tokens / layout.tensor * (dense + expert)
    attention_dtype = ATTENTION_DTYPES.get(recipe.compute_dtype, recipe.compute_dtype)
    attention_peak = factors.attention * (machine.flop_per_s_per_device(attention_dtype) or np.nan)
    attention = tokens / layout.tensor * work.attention_flop / attention_peak
    moved = tokens / layout.tensor * work.moved_bytes / bandwidth
    unpacked = _unpacked_bytes(work, recipe, layout) / bandwidth
    forward = products + attention + moved + unpacked
    again = {
        Recompute.NONE: 0.0,
        Recompute.ATTENTION: attention,
        Recompute.SELECTIVE: SELECTIVE_SHARE * products + moved,
        Recompute.FULL: np.maximum(forward, factors.launch_s_per_block),
    }[recipe.recompute]
    # A frozen base needs no gradients of its weights, only those of its inputs.
    backward = 2 if recipe.adapter is None else 1
    # Element-wise work is done once forward and twice backward; weights are unpacked once each way.
    memory_bound = 3 * moved + 2 * unpacked
    both = products * (1 + backward) + attention * (1 + ATTENTION_BACKWARD) + memory_bound
    return _Block(
        matmul=products * (1 + backward),
        attention=attention * (1 + ATTENTION_BACKWARD),
        memory_bound=memory_bound,
        launches=np.maximum(3 * factors.launch_s_per_block - both, 0.0),
        recompute=again,
    )


def _unpacked_bytes(work: BlockWork, recipe: Recipe, layout: AnyLayout) -> Any:
    """Bytes read and written to unpack a block's quantized weights once.

    A batch's tokens reach every expert on the device, so all of them are unpacked.
    """
    if not recipe.dequantizes:
        return 0.0 * layout.tensor
    experts = work.expert_flop / max(work.expert_share, 1e-9) / layout.expert
    matrices = (work.dense_flop + experts) / 2 / layout.tensor
    return matrices * (recipe.block_weight_bytes + recipe.gathered_weight_bytes)


def _head(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    tokens: Any,
    machine: InstanceType,
    factors: TimeFactors,
) -> Any:
    """Seconds of the head and the loss for one micro-batch on the stage that has them."""
    dtype = ATTENTION_DTYPES.get(recipe.compute_dtype, recipe.compute_dtype)
    rate = _matrix_rate(dtype, tokens, shape.vocab / layout.tensor, machine, factors)
    passes = 3 if recipe.adapter is None else 2
    bandwidth = factors.memory * (machine.memory_bytes_per_s_per_device or np.nan)
    share = tokens / layout.tensor
    return share * (passes * head_flop(shape) / rate + shape.vocab * LOGIT_TRAFFIC_BYTES / bandwidth)


def _tensor_parallel(shape: ModelShape, recipe: Recipe, layout: AnyLayout, tokens: Any, net: Fabric) -> Any:
    """Two all-reduces a block and pass; with sequence parallelism the same bytes in other collectives."""
    return 2 * net.reduce_s(tokens * shape.hidden * recipe.activation_bytes, layout.tensor, 1)


def _context_parallel(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, tokens: Any, net: Fabric, block: _Block
) -> Any:
    """Keys and values go round the ring while attention works on those that are there; what is left shows."""
    width = max(2 * run.attention.kv_width for run in shape.blocks)
    size = layout.context * tokens * width * recipe.activation_bytes / layout.tensor
    ring = net.gather_s(size, layout.context, layout.tensor)
    return np.maximum(ring - block.attention / (1 + ATTENTION_BACKWARD), 0.0)


def _expert_parallel(shape: ModelShape, recipe: Recipe, layout: AnyLayout, tokens: Any, net: Fabric) -> Any:
    """Two all-to-alls a block and pass: tokens to their experts and back."""
    # Dense blocks among the others send nothing.
    copies = sum(run.count * run.mlp.experts_per_token for run in shape.blocks) / shape.layers
    size = tokens * copies * shape.hidden * recipe.activation_bytes / layout.tensor
    return 2 * net.exchange_s(size, layout.expert, layout.tensor)


def _data_ranks(layout: AnyLayout) -> Any:
    return layout.data * layout.context


def _weight_gather(recipe: Recipe, layout: AnyLayout, held: Resident, net: Fabric, busy: Any) -> Any:
    """ZeRO-3 and FSDP gather weights before each pass and scatter gradients after, hidden behind the compute.

    Under a pipeline a stage is gathered once a step and scattered once (see planner.memory).
    """
    if not recipe.gathers_weights:
        return 0.0 * layout.data
    element = recipe.block_weight_bytes if recipe.dequantizes else recipe.gathered_weight_bytes
    scattered = held.adapter if recipe.adapter else held.model
    ranks = _data_ranks(layout)
    piped = np.greater(layout.pipeline, 1)
    gather = net.gather_s(held.model * element, ranks, layout.tensor)
    scatter = net.gather_s(scattered * recipe.gradient_bytes, ranks, layout.tensor)
    traffic = np.where(piped, gather + scatter, layout.micro_batches * (2 * gather + scatter))
    return np.maximum(traffic - busy, 0.0)


def _pipeline_transfer(shape: ModelShape, recipe: Recipe, layout: AnyLayout, tokens: Any, net: Fabric) -> Any:
    """Every micro-batch crosses each chunk boundary once forward and once backward."""
    size = tokens * shape.hidden * recipe.activation_bytes / layout.tensor
    stride = layout.tensor * layout.context * layout.data
    one = net.send_s(size, layout.pipeline, stride)
    return np.where(np.greater(layout.pipeline, 1), 2 * layout.virtual * layout.micro_batches * one, 0.0)


def _data_parallel(
    recipe: Recipe, layout: AnyLayout, held: Resident, net: Fabric, factors: TimeFactors, micro_batch_s: Any
) -> Any:
    """Gradients are reduced once a step, partly behind the last micro-batch's backward pass.

    Sharded gradients are scattered after every micro-batch: no rank has room to add them up whole.
    """
    if recipe.gathers_weights:
        return 0.0 * layout.data
    ranks = _data_ranks(layout)
    rounds = layout.micro_batches if recipe.gradients_sharded else 1
    returned = recipe.gathered_weight_bytes if recipe.optimizer_sharded else recipe.gradient_bytes

    def reduced_s(parameters: Any, ranks: Any, stride: Any) -> Any:
        scatter = net.gather_s(parameters * recipe.gradient_bytes, ranks, stride)
        return rounds * scatter + net.gather_s(parameters * returned, ranks, stride)

    traffic = reduced_s(held.adapter if recipe.adapter else held.dense + held.outer, ranks, layout.tensor)
    if recipe.adapter is None and np.any(held.experts):
        expert_ranks = np.maximum(ranks // layout.expert, 1)
        traffic = traffic + reduced_s(held.experts, expert_ranks, layout.tensor * layout.expert)
    hidden = np.minimum(factors.data_overlap * traffic, rounds * micro_batch_s * 2 / 3)
    return traffic - hidden


def _optimizer(recipe: Recipe, layout: AnyLayout, held: Resident, machine: InstanceType, factors: TimeFactors) -> Any:
    """Reads and writes every state, reads the gradient, writes the weight."""
    trained = held.adapter if recipe.adapter else held.dense + held.outer
    experts = 0.0 if recipe.adapter else held.experts
    if recipe.optimizer_sharded:
        # Experts have data ranks of their own, fewer by the expert degree.
        trained = trained / _data_ranks(layout)
        experts = experts / np.maximum(_data_ranks(layout) // layout.expert, 1)
    touched = 2 * (recipe.master_bytes + recipe.optimizer_bytes) + recipe.gradient_bytes + recipe.outer_weight_bytes
    bandwidth = factors.memory * (machine.memory_bytes_per_s_per_device or np.nan)
    return (trained + experts) * touched / bandwidth
