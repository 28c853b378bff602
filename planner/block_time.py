"""How long does one device work on a block, and on the head, for one micro-batch?

Matrix products at the share of the peak that their shape reaches; attention at a share of its own, or as plain
products and passes over the scores where it is not fused; norms, activations and unpacked weights at memory bandwidth;
a floor of launches beneath them all. Sources: Dao 2023 (arXiv 2307.08691) for attention's backward pass, Korthikanti
et al. 2022 (arXiv 2205.05198) for what is done again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.adapter_time import adapter_time, trains_weights
from planner.layout import AnyLayout
from planner.recipe import Recipe, Recompute
from planner.setting import Products, Setting
from planner.work import BlockWork, block_flop, head_flop

# Flash attention's backward does five products where the forward does two (arXiv 2307.08691, section 3.1.2); with the
# scores kept it does four.
ATTENTION_BACKWARD, SCORES_BACKWARD = 2.5, 2.0
# Per-op selective recompute does every second matrix product again.
SELECTIVE_SHARE = 0.5
# Logits are written in 16 bits, read and written in float32 by the loss, and their gradient written and read.
LOGIT_TRAFFIC_BYTES = 20
# 16-bit tensor cores take rows of a multiple of 8 elements (16 bytes; NVIDIA, matrix multiplication guide); products
# of other widths fall back to the cores that do float32, of whose peak plain kernels reach about half.
ALIGNED_WIDTH, UNALIGNED_SHARE = 8, 0.5


class BlockTime(Struct, frozen=True, kw_only=True):
    """Seconds of one block for one micro-batch: forward, backward, and what is done again.

    `attention_forward` is the part of `attention` that the forward pass takes, `adapters` what is done beside a frozen
    block for what is trained there.
    """

    matmul: Any
    attention: Any
    attention_forward: Any
    memory_bound: Any
    adapters: Any
    recompute: Any

    @property
    def total(self) -> Any:
        """Seconds of all of it."""
        return self.matmul + self.attention + self.memory_bound + self.adapters + self.recompute


def block_time(work: BlockWork, setting: Setting) -> BlockTime:
    """Seconds of an average block for one micro-batch.

    Of a model that is frozen layer by layer the blocks below the first trained one have no backward pass, and do
    nothing again for it.
    """
    recipe, trained = setting.recipe, setting.trained
    products = _products(work, setting)
    both = products.both(not trains_weights(recipe.adapter), trained)
    attention, attention_backward = _attention(work, setting)
    adapters = adapter_time(setting)
    # Without sequence parallelism every tensor rank does the norms and residuals of all tokens.
    again_bytes = 0.0 if recipe.sequence_sharded else work.ends_bytes * (setting.layout.tensor - 1)
    moved = setting.share * (work.moved_bytes + again_bytes) * setting.factors.traffic / setting.memory_rate
    unpacked = _unpacked_bytes(work, recipe, setting.layout) / setting.memory_rate
    forward = products.forward + attention + moved + unpacked + adapters.forward
    again = {
        Recompute.NONE: 0.0 * both,
        Recompute.ATTENTION: attention,
        Recompute.SELECTIVE: SELECTIVE_SHARE * products.forward + moved,
        Recompute.FULL: forward,
    }[recipe.recompute]
    added = trained * _added_s(setting, _block_parameters(setting))
    return BlockTime(
        matmul=both,
        attention=attention * (1 + trained * attention_backward),
        attention_forward=attention,
        # Element-wise work is done once forward and twice backward; weights are unpacked once each way.
        memory_bound=(1 + 2 * trained) * moved + (1 + trained) * unpacked + added,
        adapters=adapters.forward + adapters.backward,
        recompute=trained * again,
    )


def least_s(work: BlockWork, setting: Setting) -> Any:
    """Seconds below which no block is believed to end a micro-batch, its collectives included.

    The runs that reached the greatest utilization are those of one node: what a pipeline and other nodes add, its
    bubble, transfers and stragglers, comes on top.
    """
    recipe = setting.recipe
    flop = block_flop(work, frozen=recipe.adapter is not None, trained=setting.trained)
    return setting.share * flop / (setting.factors.most_utilization * setting.peak(recipe.compute_dtype))


def head_time(setting: Setting) -> Any:
    """Seconds of the head and the loss for one micro-batch on the stage that has them."""
    shape, split = setting.shape, setting.shape.vocab / setting.layout.tensor
    products = setting.products_s(setting.outer_dtype, head_flop(shape), setting.tokens, (split, shape.hidden))
    logits = shape.vocab * LOGIT_TRAFFIC_BYTES / setting.memory_rate
    added = _added_s(setting, split * shape.hidden)
    return setting.share * (products.both(setting.recipe.adapter is not None) + logits) + added


def _added_s(setting: Setting, held: Any) -> Any:
    """Seconds in which the gradients of `held` parameters are added to those of earlier micro-batches, or copied to the
    buffer that they leave from: both are read, the sum is written.

    Nothing where the products themselves add to the sum, as Megatron-Core's do (gradient_accumulation_fusion).
    """
    recipe = setting.recipe
    if recipe.adapter is not None:
        return 0.0
    moved = recipe.activation_bytes + 2 * recipe.gradient_bytes
    return setting.factors.gradient_passes * held * moved / setting.memory_rate


def _block_parameters(setting: Setting) -> Any:
    """Parameters of an average block on one device."""
    shape, layout = setting.shape, setting.layout
    experts = sum(run.count * run.mlp.expert_parameters(shape.hidden) for run in shape.blocks)
    return (shape.block_parameters - experts + experts / layout.expert) / (shape.layers * layout.tensor)


def _products(work: BlockWork, setting: Setting) -> Products:
    """A block's matrix products; of experts', those of the rank with most tokens."""
    dtype, layout, hidden = setting.recipe.compute_dtype, setting.layout, setting.shape.hidden
    dense = setting.products_s(dtype, work.dense_flop, setting.tokens, (work.dense_width / layout.tensor, hidden))
    dense = dense.times(setting.share)
    if not work.expert_flop:
        return dense
    # The ranks of an expert group pool their tokens, so each expert sees that many times its share.
    rows = setting.tokens * work.expert_share * layout.expert
    sides = (work.expert_width / layout.tensor, hidden)
    routed = setting.products_s(dtype, work.expert_flop, rows, sides, setting.shape.experts / layout.expert)
    held = work.expert_flop / work.expert_share / 2 / (layout.expert * layout.tensor)
    routed = _no_faster_than_memory(routed.times(setting.share * setting.factors.imbalance), held, setting)
    return Products(forward=dense.forward + routed.forward, weights=dense.weights + routed.weights)


def _no_faster_than_memory(products: Products, held: Any, setting: Setting) -> Products:
    """The products of `held` parameters of a device: each pass reads them, and adds to gradients that it reads.

    With few rows to each of many experts that is what they take, whatever the peak of the matrix units.
    """
    recipe = setting.recipe
    read_s = held * recipe.gathered_weight_bytes / setting.memory_rate
    added_s = 2 * held * recipe.gradient_bytes / setting.memory_rate
    return Products(forward=np.maximum(products.forward, read_s), weights=np.maximum(products.weights, added_s))


def _attention(work: BlockWork, setting: Setting) -> tuple[Any, float]:
    """Seconds of a forward pass's attention, and how many times that the backward pass takes."""
    factors, shape, tokens = setting.factors, setting.shape, setting.sequence_tokens
    if not setting.recipe.score_share:
        peak = factors.attention * setting.peak(setting.outer_dtype)
        long = tokens / (tokens + factors.attention_half)
        return setting.share * work.attention_flop / (peak * long), ATTENTION_BACKWARD
    # Every score is computed, masked ones too, as plain products; then scaled, masked, normalised and dropped out.
    head = shape.hidden // shape.heads
    rate = setting.peak(setting.outer_dtype) * factors.matmul.get(setting.outer_dtype, np.nan)
    rate = rate * (head / (head + factors.depth_half))
    if head % ALIGNED_WIDTH:
        rate = UNALIGNED_SHARE * setting.peak("fp32")
    passes = shape.heads * tokens * factors.score_bytes / setting.memory_rate
    return setting.share * (2 * work.attention_flop / rate + passes), SCORES_BACKWARD


def _unpacked_bytes(work: BlockWork, recipe: Recipe, layout: AnyLayout) -> Any:
    """Bytes read and written to unpack a block's quantized weights once.

    A batch's tokens reach every expert on the device, so all of them are unpacked. Shifting, masking and scaling a
    weight hides behind its bytes: some eight integer operations where 3 bits straddle words, of which a multiprocessor
    does 64 a clock (CUDA programming guide, throughput of arithmetic instructions), are 1.2e12 weights/s on A100; of
    the 2.4 bytes that one moves its memory carries 0.7e12.
    """
    if not recipe.dequantizes:
        return 0.0 * layout.tensor
    experts = work.expert_flop / max(work.expert_share, 1e-9) / layout.expert
    matrices = (work.dense_flop + experts) / 2 / layout.tensor
    return matrices * (recipe.block_weight_bytes + recipe.gathered_weight_bytes)
