"""How much memory does a model take while an eager program answers: load, prefill, decode?

Programs without a pool of cache blocks (Hugging Face Transformers, AutoAWQ) show what the model itself takes:
weights with their scales, the cache of the tokens there are, and in prefill the rows that one block needs at once.
Engines that take a share of the device beforehand (vLLM) are planner.serving's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from planner.calibration import EagerFactors
from planner.kv_cache import cache_bytes, largest_block_cache_bytes
from planner.recipe import Place, Recipe
from planner.shape import ModelShape
from pricing.records import replace

# Bytes of a weight inside the blocks. GPTQ and AWQ in groups of 128: a 16-bit scale and a packed zero point each
# (arXiv 2210.17323, 2306.00978); NF4 with double quantization (arXiv 2305.14314); MXFP4 in blocks of 32 with an
# 8-bit scale; GGUF q4_k_m mixes 4.5- and 6.6-bit blocks.
WEIGHT_BYTES: Mapping[str, float] = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "f16": 2.0,
    "fp8": 1.0,
    "int8": 1.0 + 2 / 1024,
    "gptq-int8": 1.0 + (2 + 1) / 128,
    "gptq-int4": 0.5 + (2 + 0.5) / 128,
    "int4": 0.5 + (2 + 0.5) / 128,
    "awq": 0.5 + (2 + 0.5) / 128,
    "int4-awq": 0.5 + (2 + 0.5) / 128,
    "nf4": 0.5 + 4 / 64,
    "nf4-dq": 0.5 + 1 / 64 + 4 / (64 * 256),
    "int3": (3 + (16 + 3) / 128) / 8,
    "fp4": 0.5 + 1 / 16,
    "mxfp4": 0.5 + 1 / 32,
    "q4_k_m": 0.606,
}
KV_BYTES: Mapping[str, float] = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "f16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "int4": 0.5,
}
OUTER_BYTES = 2.0
# While the MLP of one block works on the whole prompt: gate, activated gate and their product, or the inner rows of
# a plain MLP before and after its activation.
GATED_ROWS, PLAIN_ROWS = 3, 2
# The residual stream, its float32 copy in the norm, and the normed input beside them.
RESIDUAL_ROWS = 4


class EagerProgram(Struct, frozen=True, kw_only=True):
    """How a program without a cache pool keeps what it needs.

    `name` is that of its factors in the calibration. `reserves_cache` says that the cache is made for input and output
    at the start, windows or not, `expands_single_kv` that one key and value head is copied to all query heads in it.
    `second_heads` are the weight types whose checkpoints bring a head of their own for tied models, which may go after
    loading; `unpacks` those of which one whole matrix is unpacked at a time.
    `fuses` says that attention is fused, but for mixtures of experts where `fuses_experts` does not say so too.
    """

    name: str = "default"
    reserves_cache: bool = False
    expands_single_kv: bool = False
    second_heads: frozenset[str] = frozenset()
    unpacks: frozenset[str] = frozenset()
    fuses: bool = True
    fuses_experts: bool = True


# Plain attention: float32 scores and probabilities, and 16-bit probabilities.
SCORE_BYTES = 4 + 4 + 2

# What no source states of their ways was read off the measured rows (planner/data/measured); how much is the factors'.
HUGGING_FACE = EagerProgram(name="hf", second_heads=frozenset({"awq", "fp8"}), unpacks=frozenset({"gptq-int4", "int4"}))
AUTOAWQ = EagerProgram(name="autoawq", reserves_cache=True, expands_single_kv=True, fuses_experts=False)
# GEMV kernels leave the prompt to plain products and plain attention.
AUTOAWQ_GEMV = replace(AUTOAWQ, fuses=False)


class ServedMemory(Struct, frozen=True, kw_only=True):
    """Bytes over all devices, by cause. What is not alive at the peak is zero."""

    weights: float
    copies: float
    cache: float
    prefill_activations: float
    loading: float
    work_space: float

    @property
    def total(self) -> float:
        """Bytes in all."""
        return float(sum(asdict(self).values()))


class EagerRun(Struct, frozen=True, kw_only=True):
    """What is served: types of weights and cache, sequences at once, tokens of each, devices that layers are on.

    `at_end` says that memory is read when the last token is there, and not at its peak.
    """

    weight_dtype: str
    kv_dtype: str
    sequences: int
    input_tokens: int
    output_tokens: int
    devices: int = 1
    at_end: bool = False


def eager_memory(shape: ModelShape, served: EagerRun, program: EagerProgram, factors: EagerFactors) -> ServedMemory:
    """Memory over all devices at the worst of three moments (loading, the end of the prefill, the last token), or at
    the last alone.

    Every device has the prefill's rows while its own layers work on the prompt, and keeps them as its peak.
    """
    block, cached = WEIGHT_BYTES[served.weight_dtype], KV_BYTES[served.kv_dtype]
    outer = shape.parameters - shape.block_parameters
    packed = shape.block_parameters * block
    total_tokens = served.input_tokens + served.output_tokens
    whole = served.sequences * _cache_bytes(shape, program, cached, total_tokens)
    at_prompt = served.sequences * _cache_bytes(shape, program, cached, served.input_tokens)
    cache = whole if program.reserves_cache else at_prompt
    rows = served.sequences * served.input_tokens * prefill_bytes_per_token(shape)
    unfused = not program.fuses or (shape.experts > 0 and not program.fuses_experts)
    scores = served.sequences * SCORE_BYTES * shape.heads * served.input_tokens**2 * unfused
    prefill = factors.row_share * (rows * served.devices + scores)
    second = shape.tied_embeddings and served.weight_dtype in program.second_heads
    loading = shape.vocab * shape.hidden * OUTER_BYTES * second
    moments = ((0.0, 0.0, loading), (cache, prefill, 0.0), (whole, 0.0, 0.0))
    held, activations, loaded = (whole, 0.0, loading) if served.at_end else max(moments, key=sum)
    unpacks = served.weight_dtype in program.unpacks and not served.at_end
    unpacked = _largest_matrix(shape) * OUTER_BYTES * unpacks
    return ServedMemory(
        weights=packed + outer * OUTER_BYTES,
        copies=factors.copied_share * packed * (block < OUTER_BYTES) + unpacked,
        cache=held,
        prefill_activations=activations,
        loading=loaded,
        work_space=float(factors.workspace_bytes * served.devices),
    )


def _cache_bytes(shape: ModelShape, program: EagerProgram, cached: float, tokens: int) -> float:
    """Bytes of a sequence's cache over all devices, whose layers each lie on one."""
    if program.expands_single_kv and shape.kv_heads == 1:
        return cached * tokens * sum(run.count * 2 * run.attention.query_width for run in shape.blocks)
    return float(cache_bytes(shape, cached, tokens, whole=program.reserves_cache))


def _largest_matrix(shape: ModelShape) -> int:
    return shape.hidden * max(max(run.mlp.ffn, run.attention.query_width) for run in shape.blocks)


def prefill_bytes_per_token(shape: ModelShape, tensor: Any = 1) -> Any:
    """Bytes on one of `tensor` devices that a prompt token needs while the widest block works on it, in 16 bits."""
    widest = max(run.mlp.active_ffn * (GATED_ROWS if run.mlp.gated else PLAIN_ROWS) for run in shape.blocks)
    return 2.0 * (widest / tensor + RESIDUAL_ROWS * shape.hidden)


def step_bytes(shape: ModelShape, tensor: Any, tokens: int, picked_bytes: Any) -> Any:
    """Bytes on one device at the worst moment of an engine's step on `tokens` of prompts: in the widest block, or when
    all blocks are done and tokens are picked of logits that take `picked_bytes`.

    A token of a mixture of experts has the answers of its experts beside each other; logits are whole on each device.
    """
    answers = 2.0 * shape.hidden * max(run.mlp.experts_per_token for run in shape.blocks)
    rows = tokens * (prefill_bytes_per_token(shape, tensor) + answers)
    return np.maximum(rows, (2.0 * shape.hidden * tokens + picked_bytes) * (tokens > 0))


class PooledNeed(Struct, frozen=True, kw_only=True):
    """Bytes on one device of a replica, by cause; numbers, or arrays of them."""

    weights: float
    streamed_weights: float
    cache: Any
    states: Any
    activations: Any


# Weights that lie elsewhere come one block ahead of the one at work (FlexGen, arXiv 2303.06865, section 4.1).
STREAMED_BLOCKS = 2
# Recurrences keep their states in float32 (mamba_ssm, and vLLM for Mamba-2).
STATE_BYTES = 4


def served_need(
    shape: ModelShape,
    recipe: Recipe,
    *,
    sequences: Any,
    input_tokens: int,
    output_tokens: int,
    prefill_tokens: int,
    chunk_rows: int,
    devices: int,
    waiting: Any = 0,
) -> PooledNeed:
    """What a pinned serving configuration takes of each of its devices, which are tensor ranks.

    `prefill_tokens` of the prompt are worked on at a time; of folding models `chunk_rows` rows of their attention.
    Weights are spread evenly, the cache as far as it has heads; the rows of a prompt are on every device. `waiting`
    sequences share the weights that stream in with the `sequences` at work; numbers, or arrays of them.
    """
    cached = cache_bytes if recipe.kv_place is Place.DEVICE else largest_block_cache_bytes
    here = recipe.kv_place is Place.DEVICE
    held = sequences + waiting if here else STREAMED_BLOCKS * sequences
    cache = held * cached(shape, recipe.kv_bytes, input_tokens + output_tokens, devices)
    tokens = sequences * min(prefill_tokens, input_tokens)
    folding = [run.evoformer for run in shape.blocks if run.evoformer]
    if folding:
        trunk = OUTER_BYTES * max(each.served_elements(input_tokens, chunk_rows) for each in folding)
        placing = shape.structure.served_bytes(input_tokens, OUTER_BYTES) if shape.structure else 0.0
        activations = sequences * input_tokens * max(trunk, placing)
    else:
        activations = tokens * prefill_bytes_per_token(shape) + OUTER_BYTES * sequences * shape.logits_width
        activations = activations + here * waiting_bytes(shape, waiting, input_tokens)
    weights, streamed = _weight_bytes(shape, recipe)
    return PooledNeed(
        weights=weights / devices,
        streamed_weights=streamed / devices,
        cache=cache,
        states=STATE_BYTES * (sequences + waiting) * shape.state_per_sequence / devices,
        activations=activations,
    )


def served_elsewhere(shape: ModelShape, recipe: Recipe, sequences: Any, tokens: int, place: Place) -> Any:
    """Bytes that a replica keeps in a place off its devices: weights and cache of sequences of so many tokens."""
    cache = sequences * cache_bytes(shape, recipe.kv_bytes, tokens)
    kept = streamed_weight_bytes(shape, recipe)
    return kept * (recipe.weights_place is place) + cache * (recipe.kv_place is place)


def streamed_weight_bytes(shape: ModelShape, recipe: Recipe) -> float:
    """Bytes of the weights that come to the device once in each pass: the blocks', or layer by layer all."""
    outer = OUTER_BYTES * (shape.parameters - shape.block_parameters) * recipe.streams_layers
    return recipe.block_weight_bytes * shape.block_parameters + outer


def waiting_bytes(shape: ModelShape, waiting: Any, input_tokens: int) -> Any:
    """Bytes of the rows that sequences hand on from block to block, while others of their prompts are worked on."""
    return OUTER_BYTES * waiting * input_tokens * shape.hidden


def with_overheads(need: PooledNeed, recipe: Recipe, eager: EagerFactors, context_bytes: float) -> dict[str, Any]:
    """Bytes on one device by cause, with what formulas leave out of the memory of an eager program."""
    terms = asdict(need)
    packed = terms["weights"] * (recipe.block_weight_bytes < OUTER_BYTES)
    return {
        **terms,
        "copies": eager.copied_share * packed,
        "activations": min(eager.row_share, 1.0) * terms["activations"],
        # Where less was measured than all activations, they were never alive together: no slack is then known.
        "allocator_slack": max(eager.row_share - 1, 0.0) * terms["activations"],
        "work_space": eager.workspace_bytes,
        "context_and_collectives": context_bytes,
    }


def _weight_bytes(shape: ModelShape, recipe: Recipe) -> tuple[float, float]:
    """Bytes of weights that stay on a device, and of those that pass through it."""
    block = recipe.block_weight_bytes * max(run.parameters(shape.hidden, shape.norm_bias) for run in shape.blocks)
    outer = OUTER_BYTES * (shape.parameters - shape.block_parameters)
    if recipe.weights_place is Place.DEVICE:
        return outer + recipe.block_weight_bytes * shape.block_parameters, 0.0
    if recipe.streams_layers:
        return 0.0, max(block, OUTER_BYTES * shape.embedding_parameters, OUTER_BYTES * shape.head_parameters)
    return outer, STREAMED_BLOCKS * block
