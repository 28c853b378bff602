"""How does one replica of a served model answer, and how much cache has it?

What fits beside weights and engine is the cache (planner.kv_cache); what a step takes is planner.step_time's, and how
steps make answers planner.serving_modes'. Works on one layout and on arrays; `micro_batch` is the replica's requests
in flight.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct

from planner.calibration import ServingFactors
from planner.expert_ranks import gathered_bytes
from planner.kv_cache import cache_bytes
from planner.layout import AnyLayout
from planner.plan import Band
from planner.pooling import pooled, without_head
from planner.recipe import Recipe
from planner.replica import Replica
from planner.resident import Stage, layers_per_stage, resident
from planner.served_adapters import ServedAdapters
from planner.serving_memory import STATE_BYTES, step_bytes
from planner.serving_modes import Lengths, Pace, arrivals
from planner.shape import ModelShape
from planner.speculation import Speculation
from planner.step_work import PACKED_BYTES, step_work
from pricing.instance_type import InstanceType
from pricing.records import replace

# A replica is planned to at most this share of the rate it could just sustain: at 0.8 the queue of the M/D/1
# formula is two prompts long, at 0.9 already four and a half.
PLANNED_SHARE = 0.8
# Logits of larger batches than vLLM's largest default are not set aside for.
LARGEST_PICK = 1024
PADDED_TO = 256


class Load(Struct, frozen=True, kw_only=True):
    """What a request looks like. Tokens; `context_tokens` is the longest that must fit.

    Without `output_tokens` the answer is an embedding of the prompt. `known_share` of a prompt is in the engine's
    prefix cache when it comes. `speculation` drafts the answer, `adapters` are what requests name one of.
    """

    input_tokens: int
    output_tokens: int
    context_tokens: int
    known_share: float = 0.0
    speculation: Speculation | None = None
    adapters: ServedAdapters | None = None

    @property
    def pools(self) -> bool:
        """Whether the answer is an embedding."""
        return self.output_tokens == 0

    @property
    def request_tokens(self) -> int:
        """Tokens of a request, in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def prefix_tokens(self) -> int:
        """Tokens of the shared prefix, which stays in the cache beside those of the requests in flight. Requests are
        given room for all of theirs: how many of them share blocks depends on the prompts, and nobody has measured it.
        """
        return math.ceil(self.known_share * self.input_tokens)

    @property
    def lengths(self) -> Lengths:
        """Its prompt, with what the cache knows of it, and its answer."""
        known = self.known_share * self.input_tokens
        return Lengths(prompt=self.input_tokens, answer=self.output_tokens, cached=known)


class ReplicaMemory(Struct, frozen=True, kw_only=True):
    """Bytes on the worst device of a replica; numbers, or one per layout. `cache` is what is left for it."""

    weights: Any
    reserve: Any
    activations: Any
    cache: Any
    cache_per_token: Any
    draft: Any = 0.0
    adapters: Any = 0.0

    @property
    def beside_cache(self) -> Any:
        """Bytes that are not the cache's."""
        return self.weights + self.draft + self.adapters + self.reserve + self.activations

    def need_bytes(self, held_tokens: Any, cache_share: float) -> Any:
        """Bytes in all where the cache, `cache_share` of what the rest leaves, must hold so many tokens."""
        return self.beside_cache + held_tokens * self.cache_per_token / cache_share

    @property
    def capacity_tokens(self) -> Any:
        """Tokens that the cache of the replica holds; without end where a model keeps none."""
        keeps = np.greater(self.cache_per_token, 0)
        return np.where(keeps, np.maximum(self.cache, 0.0) / np.where(keeps, self.cache_per_token, 1.0), np.inf)


class Answer(Struct, frozen=True, kw_only=True):
    """A replica's mean answer at its requests in flight. Seconds, requests/s."""

    ttft_s: Any
    tpot_s: Any
    request_s: Any
    requests_per_s: Any


def computed_band(band: Band, load: Load) -> Band:
    """The band, with what of the prediction no measured run has shown."""
    kinds = {"drafts": load.speculation, "adapters": load.adapters, "embeddings": load.pools}
    computed = [name for name, there in kinds.items() if there]
    if not computed:
        return band
    return replace(band, basis=f"{band.basis}; what {' and '.join(computed)} take is computed, not measured")


def held_tokens(load: Load, in_flight: Any, batched_tokens: int, data: Any = 1) -> Any:
    """Tokens that the cache of a replica must hold: all of those in flight and the shared prefix, for embeddings those
    of a step; the longest request at least. Each data rank must have room for that, and keeps the prefix."""
    if load.pools:
        return np.maximum(batched_tokens, load.context_tokens)
    return np.maximum(in_flight * load.request_tokens, data * load.context_tokens) + data * load.prefix_tokens


def memory_terms(memory: ReplicaMemory, load: Load, layout: AnyLayout, factors: ServingFactors) -> dict[str, Any]:
    """Bytes on the worst device of a replica by cause, with as much cache as it must hold."""
    prefix = layout.data * load.prefix_tokens
    held = held_tokens(load, layout.micro_batch, factors.batched_tokens, layout.data)
    return {
        "weights": memory.weights,
        "draft": memory.draft,
        "adapters": memory.adapters,
        "cache in use": (held - prefix) * memory.cache_per_token,
        "shared prefix": prefix * memory.cache_per_token,
        "activations of a step": memory.activations,
        "engine reserve": memory.reserve,
    }


def replica_memory(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    machine: InstanceType,
    factors: ServingFactors,
    load: Load | None = None,
) -> ReplicaMemory:
    """What weights, engine and cache take of each device, with what a `load` needs beside the model.

    The states of recurrences, of one size for every request, are spread over its tokens, or over the longest context.
    """
    shape = without_head(shape) if load and load.pools else shape
    drafts, adapters = (load.speculation, load.adapters) if load else (None, None)
    per_token = cache_bytes_per_token(shape, recipe, layout, load.request_tokens if load else shape.context_tokens)
    draft = drafts.weight_bytes(layout.tensor) if drafts else 0.0
    adapted = adapters.device_bytes(shape, layout) if adapters else 0.0
    weights = np.maximum(*(_weight_bytes(shape, recipe, layout, stage) for stage in Stage))
    usable = factors.memory_share * machine.device_memory_bytes
    ranks = layout.tensor * layout.pipeline * layout.data
    reserve = factors.reserve_bytes + factors.collectives_bytes * np.greater(ranks, 1)
    left = usable - weights - draft - adapted - reserve
    picked = factors.logit_bytes * shape.logits_width * _picked(shape, factors, layout, load, left, per_token)
    activations = step_bytes(shape, layout.tensor, factors.batched_tokens, picked)
    activations = activations + gathered_bytes(shape, layout, factors.batched_tokens)
    return ReplicaMemory(
        weights=weights,
        reserve=reserve + 0.0 * weights,
        activations=activations + 0.0 * weights,
        cache=factors.cache_share * (left - activations),
        cache_per_token=per_token + (drafts.cache_bytes_per_token(recipe, layout.tensor) if drafts else 0.0),
        draft=draft + 0.0 * weights,
        adapters=adapted + 0.0 * weights,
    )


def _picked(
    shape: ModelShape, factors: ServingFactors, layout: AnyLayout, load: Load | None, left: Any, cache_per_token: Any
) -> Any:
    """Sequences of one data rank that an engine makes room for to pick tokens of.

    As many as it takes by default; where the load is known it is started with no more than `left` bytes hold with
    their logits.
    """
    most = min(factors.largest_batch, factors.batched_tokens, LARGEST_PICK)
    if load is None:
        return most
    tokens = load.input_tokens + factors.reserved_share * load.output_tokens
    each = tokens * cache_per_token * layout.data + factors.logit_bytes * max(shape.logits_width, 1)
    return np.minimum(most, np.floor(np.maximum(left, 0.0) / each))


def replica_of(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    machine: InstanceType,
    factors: ServingFactors,
    load: Load | None = None,
) -> Replica:
    """The replica of a layout as its steps see it; rates that no source states make its times NaN."""
    memory = replica_memory(shape, recipe, layout, machine, factors, load)
    work = step_work(without_head(shape) if load and load.pools else shape, recipe, layout, machine)
    drafts, adapters = (load.speculation, load.adapters) if load else (None, None)
    return Replica(
        work=work,
        factors=factors,
        capacity_tokens=memory.capacity_tokens,
        largest_batch=factors.largest_batch * layout.data,
        batched_tokens=(factors.batched_tokens or shape.context_tokens) * layout.data,
        mixes_prompts=factors.mixes_prompts,
        reserved_share=factors.reserved_share,
        rounds=drafts.rounds(work, recipe, layout, machine) if drafts else None,
        adapted=adapters.work(shape, layout, machine) if adapters else None,
    )


def pace_of(replica: Replica, load: Load, in_flight: Any) -> Pace:
    """How a replica answers a load with so many requests in flight."""
    return (pooled if load.pools else arrivals)(replica, load.lengths, in_flight)


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
    replica = replica_of(shape, recipe, layout, machine, factors, load)
    pace = pace_of(replica, load, layout.micro_batch)
    request = pace.request_s(load.lengths)
    return Answer(
        ttft_s=pace.ttft_s,
        tpot_s=pace.tpot_s,
        request_s=request,
        requests_per_s=PLANNED_SHARE * layout.micro_batch / request,
    )


def _weight_bytes(shape: ModelShape, recipe: Recipe, layout: AnyLayout, stage: Stage) -> Any:
    """Weights of a device. Experts are divided once among tensor and data ranks, which expert ranks are of."""
    held = resident(shape, layout, stage, None)
    return (
        held.dense * recipe.shared_weight_bytes
        + held.experts * layout.expert / layout.data * recipe.block_weight_bytes * _padding(shape, recipe)
        + held.outer * recipe.outer_weight_bytes
    )


def _padding(shape: ModelShape, recipe: Recipe) -> float:
    """What 4-bit experts take over their weights: kernels pad their inner width (vLLM's MXFP4 layers; 64.4 GiB of
    gpt-oss-120b in a start-up log, where its weights are 60.7)."""
    if recipe.block_weight_bytes >= PACKED_BYTES:
        return 1.0
    widths = [run.mlp.ffn for run in shape.blocks if run.mlp.experts]
    return max((-(-width // PADDED_TO) * PADDED_TO / width for width in widths), default=1.0)


def cache_bytes_per_token(shape: ModelShape, recipe: Recipe, layout: AnyLayout, request_tokens: int) -> Any:
    """Cache bytes of a token on the fullest stage; heads beyond their number, and MLA's latent, are copies.

    A token is on one data rank: of a replica's tokens each has its share.
    """
    total = STATE_BYTES * shape.state_per_sequence / request_tokens / layout.tensor
    # Whole: what an engine frees behind a window is not counted on.
    total = total + cache_bytes(shape, recipe.kv_bytes, 1, layout.tensor, whole=True)
    return total * layers_per_stage(shape, layout) / shape.layers / layout.data
