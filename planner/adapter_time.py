"""How long does a block work on what is trained beside its frozen weights?

Low-rank products (Hu et al. 2021, arXiv 2106.09685) were measured: the 10 runs of NeMo and Megatron-Bridge with
adapters are no slower than their frozen blocks alone are predicted, so they count as nothing. What others do beyond was
published without its time, and is counted as their papers' arithmetic. DoRA (Liu et al. 2024, arXiv 2402.09353) makes
every weight anew in each forward pass to know its length, however few tokens pass; through that length nothing goes
back (section 4.3). PEQA (Kim et al. 2023, arXiv 2305.14152) sums whole gradients of weights by group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.adapters import adapted_matrices
from planner.recipe import Adapter, AdapterKind
from planner.setting import Setting
from planner.shape import Blocks
from pricing.records import replace

# Rows per output: the product is written, then read with the frozen layer's output and their sum written. DoRA's
# lengths scale both before, which reads each and writes it.
ADDED_ROWS, SCALED_ROWS = 4, 4
# Elements moved per weight for its length: the low-rank product is written, added to the weight (two read, one
# written), and the sum read.
LENGTH_PASSES = 5
# A bottleneck's output is added to its input, after attention and after the MLP.
BOTTLENECKS = 2
# A vector that scales a row reads it and writes it; the gradient of a bias sums the rows that it reads.
VECTOR_ROWS, BIAS_ROWS = 2, 1


class AdapterTime(Struct, frozen=True, kw_only=True):
    """Seconds of an average block for one micro-batch: forward, which is done again under full recompute, and back."""

    forward: Any
    backward: Any


class _Work(Struct, frozen=True, kw_only=True):
    """Of one block: a token's forward FLOP in narrow products, its elements that pass memory forward and backward,
    weights whose length is taken, and FLOP with the keys in front of every query; `rank` is that of products."""

    rank: int = 0
    flop: float = 0.0
    rows: float = 0.0
    rows_back: float = 0.0
    lengths: float = 0.0
    prefix_flop: float = 0.0


def adapter_time(setting: Setting) -> AdapterTime:
    """Seconds of an average block's adapters for one micro-batch; nothing where all weights are trained."""
    adapter, shape = setting.recipe.adapter, setting.shape
    none = 0.0 * setting.share
    if adapter is None:
        return AdapterTime(forward=none, backward=none)
    forward, backward = none, none
    for run in shape.blocks:
        part, work = run.count / shape.layers, _work(run, shape.hidden, adapter)
        products = setting.share * _narrow_s(setting, work)
        rows = setting.share * setting.recipe.activation_bytes * setting.factors.traffic / setting.memory_rate
        attended = setting.share * work.prefix_flop / (setting.factors.attention * setting.peak(setting.outer_dtype))
        forward = forward + part * (products + rows * work.rows + attended + _lengths_s(setting, work))
        # Gradients of what is trained, and of what came in: twice the products; keys are as dear as in attention.
        backward = backward + part * (2 * products + rows * work.rows_back + 2 * attended)
    return AdapterTime(forward=forward, backward=backward + _group_sums_s(setting, adapter))


def trains_weights(adapter: Adapter | None) -> bool:
    """Whether whole gradients of the weights are made: all are trained, or the scales of their groups."""
    return adapter is None or adapter.kind is AdapterKind.GROUP_SCALE


def _work(run: Blocks, hidden: int, adapter: Adapter) -> _Work:
    # A token passes the experts that it chose.
    met = replace(run, mlp=replace(run.mlp, experts=run.mlp.experts_per_token)) if run.mlp.experts else run
    adapted = adapted_matrices(met, hidden, adapter.targets)
    outputs = float(sum(count * wide for count, _, wide in adapted))
    if adapter.kind is AdapterKind.DORA:
        weights = sum(count * deep * wide for count, deep, wide in adapted_matrices(run, hidden, adapter.targets))
        rows = SCALED_ROWS * outputs
        return _Work(rank=adapter.rank, rows=rows, rows_back=2 * rows, lengths=float(weights))
    if adapter.kind is AdapterKind.BOTTLENECK:
        rows = BOTTLENECKS * (1 + ADDED_ROWS) * float(hidden)
        flop = BOTTLENECKS * 4.0 * hidden * adapter.rank
        return _Work(rank=adapter.rank, flop=flop, rows=rows, rows_back=2 * rows)
    if adapter.kind is AdapterKind.PREFIX:
        widths = sum(each.query_width + each.value_width for each in (run.attention, run.cross) if each)
        return _Work(prefix_flop=2.0 * adapter.tokens * widths)
    if adapter.kind is AdapterKind.SCALE:
        scaled = sum(2 * each.kv_width for each in (run.attention, run.cross) if each) + met.mlp.active_ffn
        return _Work(rows=VECTOR_ROWS * float(scaled), rows_back=2 * VECTOR_ROWS * float(scaled))
    if adapter.kind is AdapterKind.BIAS:
        return _Work(rows_back=BIAS_ROWS * outputs)
    return _Work()


def _narrow_s(setting: Setting, work: _Work) -> Any:
    """Seconds of the narrow products of one token: half of them have few outputs, half sum over few elements."""
    if not work.flop:
        return 0.0
    dtype, hidden = setting.outer_dtype, setting.shape.hidden
    down = setting.matrix_rate(dtype, setting.tokens * work.rank, hidden)
    up = setting.matrix_rate(dtype, setting.tokens * hidden, work.rank)
    return work.flop / 2 * (1 / down + 1 / up)


def _lengths_s(setting: Setting, work: _Work) -> Any:
    """Seconds in which a device makes its weights anew for their lengths: products of the rank, and passes."""
    recipe, layout = setting.recipe, setting.layout
    if not work.lengths:
        return 0.0 * setting.share
    held = work.lengths / (layout.tensor * layout.expert)
    hidden = setting.shape.hidden
    rate = setting.matrix_rate(setting.outer_dtype, hidden * hidden / layout.tensor, work.rank)
    # Packed weights are unpacked once more for it.
    unpacked = recipe.block_weight_bytes + recipe.gathered_weight_bytes if recipe.dequantizes else 0.0
    moved = LENGTH_PASSES * recipe.activation_bytes + unpacked
    return held * (2.0 * work.rank / rate + moved / setting.memory_rate)


def _group_sums_s(setting: Setting, adapter: Adapter) -> Any:
    """Seconds in which a block's gradients of weights are read with the packed weights, and summed by group."""
    recipe, layout, shape = setting.recipe, setting.layout, setting.shape
    if adapter.kind is not AdapterKind.GROUP_SCALE:
        return 0.0 * setting.share
    sizes = [
        run.count * count * deep * wide
        for run in shape.blocks
        for count, deep, wide in adapted_matrices(run, shape.hidden, adapter.targets)
    ]
    held = np.divide(sum(sizes) / shape.layers, layout.tensor * layout.expert)
    return held * (recipe.activation_bytes + recipe.block_weight_bytes) / setting.memory_rate
