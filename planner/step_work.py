"""What does one step of a serving engine read, compute and send on each device of a replica?

Counts alone, of the model, the recipe, the layout and the machine's peaks; what an engine reaches of the peaks is
planner.step_time's. Works on one layout and on arrays of them. Stages of a pipeline are unequal: the last one, with
as many blocks as any and the head, sets the pace.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.communication import node_fabric
from planner.kv_cache import block_cache_bytes
from planner.layout import AnyLayout
from planner.recipe import Recipe
from planner.resident import Stage, layers_per_stage, resident
from planner.serving_memory import STATE_BYTES
from planner.shape import Attention, Blocks, ModelShape
from planner.work import block_work, head_flop
from pricing.instance_type import InstanceType, LinkKind

WIDE = ("bf16", "fp16", "fp32", "tf32")
PACKED_BYTES = 0.75


class _Peaks(Struct, frozen=True, kw_only=True):
    """Links and networks at what data sheets say."""

    link: float = 1.0
    network: float = 1.0
    link_latency_s: float = 0.0
    network_latency_s: float = 0.0


PEAKS = _Peaks()


class StepWork(Struct, frozen=True, kw_only=True):
    """Of one device on one pipeline stage. Bytes, FLOP, bytes/s, FLOP/s; numbers, or one per layout.

    `dense_*` is what every token passes, `expert_*` the routed experts, of which a device holds `expert_bytes` in
    all; `expert_flop` is what one token's chosen experts cost a device on average. `narrow_*` is computed in fewer
    than 16 bits, `wide_*` in 16 or more, experts as `wide_experts` says, `head_flop` once for each sequence's next
    token. A live token of the cache costs `cache_bytes` and `cache_flop` in blocks with full attention, and within
    `window` tokens of each sequence `window_bytes` and `window_flop`; a sequence's recurrences `state_bytes`.
    `pair_flop` is a token of a prompt
    meeting one key, in blocks with full attention and in those with a window. `moved_bytes` is what norms, residuals
    and activation functions move for a token, `message_bytes` what tensor ranks add up for it, `hop_bytes` its way to
    the next stage at `hop_bytes_per_s`, between nodes where `hops_nodes` says so. Each of `data` ranks has attention
    and dense layers for itself (planner.expert_ranks); in `exchange_blocks` all ranks exchange their rows, over
    `exchange_hops` ways between nodes.
    """

    stages: Any
    tensor: Any
    expert: Any
    blocks: Any
    expert_blocks: Any
    recurrent_blocks: Any
    latent_blocks: Any
    packed_blocks: Any
    emulated_blocks: Any
    emulated_dense: Any
    odd_group: Any
    dense_bytes: Any
    expert_bytes: Any
    narrow_flop: Any
    wide_flop: Any
    expert_flop: Any
    head_flop: Any
    experts: Any
    experts_per_token: Any
    cache_bytes: Any
    cache_flop: Any
    window: Any
    window_bytes: Any
    window_flop: Any
    state_bytes: Any
    pair_flop: Any
    window_pair_flop: Any
    moved_bytes: Any
    message_bytes: Any
    hop_bytes: Any
    narrow_flop_per_s: Any
    wide_experts: Any
    wide_flop_per_s: Any
    memory_bytes_per_s: Any
    link_bytes_per_s: Any
    staged: Any
    hop_bytes_per_s: Any
    hops_nodes: Any
    data: Any
    exchange_blocks: Any
    exchange_bytes_per_s: Any
    exchange_hops: Any


def step_work(shape: ModelShape, recipe: Recipe, layout: AnyLayout, machine: InstanceType) -> StepWork:
    """The counts of a replica's step. Rates that no source states are NaN."""
    tensor, data = layout.tensor, layout.data
    part = layers_per_stage(shape, layout) / shape.layers
    held = resident(shape, layout, Stage.FIRST, None)
    head_bytes = shape.head_parameters * recipe.outer_weight_bytes / tensor
    work = block_work(shape, 1, recipe.activation_bytes)
    dense_flop = shape.layers * work.dense_flop * part / tensor
    packed_alone = recipe.dense_weight_bytes is not None
    wide_experts = recipe.compute_dtype in WIDE
    wide = packed_alone or wide_experts
    full, windowed = _live(shape, recipe, tensor)
    rate = machine.flop_per_s_per_device
    narrow = rate(recipe.compute_dtype) or np.nan
    broad = narrow if wide_experts else rate("bf16") or rate("fp16") or narrow
    mixture = [run for run in shape.blocks if run.mlp.experts]
    packed = (sum(run.count for run in mixture) if packed_alone else shape.layers) * part * _is_packed(recipe)
    link = machine.link
    fabric = node_fabric(machine, PEAKS)
    link_rate = (link.bytes_per_s if link and link.bytes_per_s else np.nan) / machine.accelerator.ranks
    expert_blocks = sum(run.count for run in mixture) * part
    ranks = tensor * data
    return StepWork(
        stages=layout.pipeline,
        tensor=tensor,
        expert=layout.expert,
        blocks=shape.layers * part,
        expert_blocks=expert_blocks,
        recurrent_blocks=sum(run.count for run in shape.blocks if run.recurrence) * part,
        latent_blocks=sum(run.count for run in shape.blocks if run.attention.latent) * part,
        packed_blocks=packed,
        emulated_blocks=packed * wide_experts,
        emulated_dense=wide_experts and not packed_alone and _is_packed(recipe),
        odd_group=max(map(_odd_group, shape.blocks)),
        dense_bytes=held.dense * recipe.shared_weight_bytes + head_bytes,
        expert_bytes=held.experts * layout.expert / data * recipe.block_weight_bytes,
        narrow_flop=0.0 * dense_flop if wide else dense_flop,
        wide_flop=dense_flop if wide else 0.0 * dense_flop,
        expert_flop=shape.layers * work.expert_flop * part / ranks,
        head_flop=head_flop(shape) / tensor,
        experts=max((run.mlp.experts for run in mixture), default=1),
        experts_per_token=max((run.mlp.experts_per_token for run in mixture), default=1),
        cache_bytes=full.bytes * part,
        cache_flop=full.decode_flop * part / tensor,
        window=max((run.attention.window for run in shape.blocks), default=0) or shape.context_tokens,
        window_bytes=windowed.bytes * part,
        window_flop=windowed.decode_flop * part / tensor,
        state_bytes=2 * STATE_BYTES * shape.state_per_sequence * part / tensor,
        pair_flop=full.pair_flop * part / tensor,
        window_pair_flop=windowed.pair_flop * part / tensor,
        moved_bytes=shape.layers * part * (work.ends_bytes + (work.moved_bytes - work.ends_bytes) / tensor),
        message_bytes=shape.hidden * recipe.activation_bytes + 0.0 * tensor,
        hop_bytes=shape.hidden * recipe.activation_bytes + 0.0 * tensor,
        narrow_flop_per_s=narrow,
        wide_experts=wide_experts,
        wide_flop_per_s=broad,
        memory_bytes_per_s=machine.memory_bytes_per_s_per_device or np.nan,
        link_bytes_per_s=link_rate,
        staged=bool(link and link.kind is LinkKind.PCIE),
        hop_bytes_per_s=np.where(np.greater(layout.pipeline, 1), fabric.rate(layout.pipeline, tensor), 1.0),
        hops_nodes=~np.asarray(fabric.inside(layout.pipeline, tensor)),
        data=data,
        exchange_blocks=np.where(np.greater(data, 1), expert_blocks, 0.0),
        exchange_bytes_per_s=np.where(fabric.inside(ranks, 1), link_rate, fabric.rate(ranks, 1)),
        exchange_hops=-(-ranks // fabric.devices_per_node) - 1,
    )


class _Live(Struct, frozen=True, kw_only=True):
    """Of all blocks of a kind: cache bytes of a token on one rank, FLOP of a live token, FLOP of a pair."""

    bytes: Any
    decode_flop: float
    pair_flop: float


def _live(shape: ModelShape, recipe: Recipe, tensor: Any) -> tuple[_Live, _Live]:
    """Blocks with full attention, and those with a window."""
    return (
        _kind([run for run in shape.blocks if not run.attention.window], recipe, tensor),
        _kind([run for run in shape.blocks if run.attention.window], recipe, tensor),
    )


def _kind(runs: list[Blocks], recipe: Recipe, tensor: Any) -> _Live:
    each = [run.count * block_cache_bytes(run, recipe.kv_bytes, 1, tensor) for run in runs]
    return _Live(
        bytes=sum(each, 0.0 * tensor),
        decode_flop=2.0 * sum(run.count * decode_width(run.attention) for run in runs),
        pair_flop=2.0 * sum(run.count * _met_width(run.attention) for run in runs),
    )


def _met_width(attention: Attention) -> int:
    """Products of a token with one key and its value. Pairs are counted as under a causal mask, half the square of a
    prompt; without one a token meets those behind it too."""
    return (attention.query_width + attention.value_width) * (1 if attention.causal else 2)


def _is_packed(recipe: Recipe) -> bool:
    """Whether weights have four bits or less: inputs are quantized, or weights unpacked, before each product."""
    return recipe.block_weight_bytes < PACKED_BYTES


def _odd_group(run: Blocks) -> int:
    """Query heads of a key and value head where their number is no power of two, else 1."""
    group = run.attention.heads // run.attention.kv_heads if run.attention.heads else 1
    return group if group & (group - 1) else 1


def decode_width(attention: Attention) -> int:
    """Products of a query with one cached token and its value; MLA's are with the latent (arXiv 2405.04434)."""
    if latent := attention.latent:
        return attention.heads * (attention.cache_width + latent.kv_rank)
    return attention.query_width + attention.value_width
