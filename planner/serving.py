"""How does one replica of a served model answer, and how much cache has it?

A step model of continuous batching on a paged cache: a decode step reads the weights and the live cache, and
shares the device with the prefill of other requests. Formulas: weight and cache traffic over bandwidth, Pope
et al. 2022 (arXiv 2211.05102); interference of prefill and a cost per block fitted to public runs (see
planner/data/calibration.yaml). Works on one layout and on arrays; `micro_batch` is the replica's requests in
flight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.calibration import ServingFactors
from planner.communication import node_fabric
from planner.kv_cache import cache_bytes, live_tokens
from planner.layout import AnyLayout
from planner.recipe import Recipe
from planner.resident import Stage, layers_per_stage, resident
from planner.serving_memory import step_bytes
from planner.shape import Attention, ModelShape
from planner.work import block_work, head_flop
from pricing.instance_type import InstanceType

# A replica is planned to at most this share of the rate it could just sustain: at 0.8 the queue of the M/D/1
# formula is two prompts long, at 0.9 already four and a half.
PLANNED_SHARE = 0.8
# Recurrences keep their states in float32 (mamba_ssm, and vLLM for Mamba-2).
STATE_BYTES = 4
# The M/D/1 formula has no end at a full device, where the prefill queue is bounded by the requests in flight.
BUSIEST = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a request looks like. Tokens; `context_tokens` is the longest that must fit."""

    input_tokens: int
    output_tokens: int
    context_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaMemory:
    """Bytes on the worst device of a replica; numbers, or one per layout. `cache` is what is left for it."""

    weights: Any
    reserve: Any
    activations: Any
    cache: Any
    cache_per_token: Any

    @property
    def beside_cache(self) -> Any:
        """Bytes that are not the cache's."""
        return self.weights + self.reserve + self.activations

    @property
    def capacity_tokens(self) -> Any:
        """Tokens that the cache of the replica holds."""
        return np.maximum(self.cache, 0.0) / self.cache_per_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A replica's mean answer at its requests in flight. Seconds, requests/s."""

    ttft_s: Any
    tpot_s: Any
    request_s: Any
    requests_per_s: Any


def replica_memory(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    machine: InstanceType,
    factors: ServingFactors,
    request_tokens: int | None = None,
) -> ReplicaMemory:
    """What weights, engine and cache take of each device.

    The states of recurrences, of one size for every request, are spread over its `request_tokens`, or over the
    longest context.
    """
    weights = np.maximum(*(_weight_bytes(shape, recipe, layout, stage) for stage in Stage))
    usable = factors.memory_share * machine.device_memory_bytes
    reserve = factors.reserve_bytes + factors.collectives_bytes * np.greater(layout.tensor * layout.pipeline, 1)
    activations = step_bytes(shape, layout.tensor, factors.batched_tokens, factors.largest_batch)
    return ReplicaMemory(
        weights=weights,
        reserve=reserve + 0.0 * weights,
        activations=activations + 0.0 * weights,
        cache=usable - weights - reserve - activations,
        cache_per_token=_cache_bytes_per_token(shape, recipe, layout, request_tokens or shape.context_tokens),
    )


def replica_answer(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    load: Load,
    machine: InstanceType,
    factors: ServingFactors,
) -> Answer:
    """Mean TTFT and TPOT of a replica with `layout.micro_batch` requests in flight, and its rate.

    NaN where a rate that the layout needs is unknown.
    """
    prefill = prefill_s(shape, recipe, layout, load, machine, factors)
    step = decode_step_s(shape, recipe, layout, load, machine, factors)
    # Every request in flight is prefilled once while the others decode `output_tokens` steps; the stages of a
    # pipeline work on different requests at once.
    tpot = step + layout.micro_batch * prefill / layout.pipeline / load.output_tokens
    rate = layout.micro_batch / (prefill + load.output_tokens * tpot)
    busy = np.minimum(rate * prefill / layout.pipeline, BUSIEST)
    # A prompt waits for the running step, and for prompts before it (M/D/1).
    wait = step + busy / (2 * (1 - busy)) * prefill
    ttft = prefill + wait
    request = ttft + (load.output_tokens - 1) * tpot
    return Answer(
        ttft_s=ttft,
        tpot_s=tpot,
        request_s=request,
        requests_per_s=PLANNED_SHARE * layout.micro_batch / request,
    )


def _weight_bytes(shape: ModelShape, recipe: Recipe, layout: AnyLayout, stage: Stage) -> Any:
    held = resident(shape, layout, stage, None)
    return (held.dense + held.experts) * recipe.block_weight_bytes + held.outer * recipe.outer_weight_bytes


def _cache_bytes_per_token(shape: ModelShape, recipe: Recipe, layout: AnyLayout, request_tokens: int) -> Any:
    """Cache bytes of a token on the fullest stage; heads beyond their number, and MLA's latent, are copies."""
    total = STATE_BYTES * shape.state_per_sequence / request_tokens / layout.tensor
    # Whole: what an engine frees behind a window is not counted on.
    total = total + cache_bytes(shape, recipe.kv_bytes, 1, layout.tensor, whole=True)
    return total * layers_per_stage(shape, layout) / shape.layers


def prefill_s(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    load: Load,
    machine: InstanceType,
    factors: ServingFactors,
) -> Any:
    """Seconds of one prompt through all blocks; the head, which only its last token passes, is left out."""
    net = node_fabric(machine, factors)
    work = block_work(shape, load.input_tokens, recipe.activation_bytes)
    peak = (machine.flop_per_s_per_device(recipe.compute_dtype) or np.nan) * factors.prefill
    flop = work.dense_flop + work.expert_flop + work.attention_flop
    compute = load.input_tokens * flop / layout.tensor / peak
    shared = 2 * net.reduce_s(load.input_tokens * shape.hidden * recipe.activation_bytes, layout.tensor, 1)
    return shape.layers * (compute + shared + factors.block_s)


def decode_step_s(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    load: Load,
    machine: InstanceType,
    factors: ServingFactors,
) -> Any:
    """Seconds from one token of a request to its next: every stage in turn, each with its part of the batch."""
    net = node_fabric(machine, factors)
    # With fewer requests than stages, stages stand idle: a request still passes each of them alone.
    batch = np.maximum(layout.micro_batch / layout.pipeline, 1.0)
    held = resident(shape, layout, Stage.FIRST, None)
    touched = 1 - (1 - _active_share(shape)) ** batch
    # A step reads the whole head, on the last stage, but only a row of the embedding.
    head = shape.head_parameters / layout.tensor / layout.pipeline * recipe.outer_weight_bytes
    weights = (held.dense + touched * held.experts) * recipe.block_weight_bytes + head
    context = load.input_tokens + load.output_tokens / 2
    cache = batch * _live_cache_bytes(shape, recipe, layout, context)
    bandwidth = factors.memory * (machine.memory_bytes_per_s_per_device or np.nan)
    work = block_work(shape, 1, recipe.activation_bytes)
    attention = 2 * sum(
        run.count * live_tokens(run.attention, context) * _decode_width(run.attention) for run in shape.blocks
    )
    flop = shape.layers * (work.dense_flop + work.expert_flop) + attention + head_flop(shape)
    peak = factors.matmul * (machine.flop_per_s_per_device(recipe.compute_dtype) or np.nan)
    compute = batch * flop / layout.tensor / layout.pipeline / peak
    shared = 2 * net.reduce_s(batch * shape.hidden * recipe.activation_bytes, layout.tensor, 1)
    stride = layout.tensor * layout.data
    hop = np.where(
        np.greater(layout.pipeline, 1),
        net.send_s(batch * shape.hidden * recipe.activation_bytes, layout.pipeline, stride),
        0.0,
    )
    stage = np.maximum((weights + cache) / bandwidth, compute)
    stage = stage + shape.layers / layout.pipeline * (factors.block_s + shared) + hop
    return layout.pipeline * stage


def _active_share(shape: ModelShape) -> float:
    """Share of a block's experts that one token touches."""
    return max(run.mlp.experts_per_token / max(run.mlp.experts, 1) for run in shape.blocks)


def _live_cache_bytes(shape: ModelShape, recipe: Recipe, layout: AnyLayout, context_tokens: float) -> Any:
    """Cache bytes that a step moves for one request on one device at `context_tokens`; windows bound their blocks.

    A cache is read, a recurrence's state read and written.
    """
    states = 2 * STATE_BYTES * shape.state_per_sequence / layout.tensor
    return (states + cache_bytes(shape, recipe.kv_bytes, context_tokens, layout.tensor)) / layout.pipeline


def _decode_width(attention: Attention) -> int:
    """Products of a query with one cached token and its value; MLA's are with the latent (arXiv 2405.04434)."""
    if latent := attention.latent:
        return attention.heads * (attention.cache_width + latent.kv_rank)
    return attention.query_width + attention.value_width
