"""How long do a step's collectives take, and how much of that can no compute hide?

Sources: Korthikanti et al. 2022 (arXiv 2205.05198) for tensor and sequence parallelism, Rajbhandari et al. 2019
(arXiv 1910.02054) for ZeRO's traffic, Narayanan et al. 2021 (arXiv 2104.04473) for the pipeline's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.block_time import BlockTime
from planner.communication import Fabric
from planner.layout import AnyLayout
from planner.resident import Resident
from planner.setting import Setting


def tensor_parallel(setting: Setting, net: Fabric, block: BlockTime) -> Any:
    """Two all-reduces a block and pass; with sequence parallelism the same bytes in other collectives.

    Software that cuts products into pieces hides a share of them, and never more than a pass has products.
    """
    size = setting.tokens * setting.shape.hidden * setting.recipe.activation_bytes
    traffic = 2 * net.reduce_s(size, setting.layout.tensor, 1)
    return traffic - np.minimum(setting.factors.tensor_overlap * traffic, block.matmul / 3)


def context_parallel(setting: Setting, net: Fabric, block: BlockTime) -> Any:
    """Keys and values go round the ring while attention works on those that are there; what is left shows."""
    layout = setting.layout
    width = max(2 * run.attention.kv_width for run in setting.shape.blocks)
    size = layout.context * setting.tokens * width * setting.recipe.activation_bytes / layout.tensor
    ring = net.gather_s(size, layout.context, layout.tensor)
    return np.maximum(ring - block.attention_forward, 0.0)


def expert_parallel(setting: Setting, net: Fabric) -> Any:
    """Two all-to-alls a block and pass: tokens to their experts and back, as long as the fullest rank takes."""
    # Dense blocks among the others send nothing.
    shape, layout = setting.shape, setting.layout
    copies = sum(run.count * run.mlp.experts_per_token for run in shape.blocks) / shape.layers
    if not copies:
        return 0.0 * setting.share
    size = setting.share * copies * shape.hidden * setting.recipe.activation_bytes
    return 2 * setting.factors.imbalance * net.exchange_s(size, layout.expert, layout.tensor)


def weight_gather(setting: Setting, held: Resident, net: Fabric, busy: Any) -> Any:
    """ZeRO-3 and FSDP gather weights before each pass and scatter gradients after, behind the compute.

    A share of the traffic hides at most, and never more than there is compute. Under a pipeline a stage is gathered
    once a step and scattered once (see planner.memory).
    """
    recipe, layout = setting.recipe, setting.layout
    if not recipe.gathers_weights:
        return 0.0 * layout.data
    element = recipe.block_weight_bytes if recipe.dequantizes else recipe.gathered_weight_bytes
    scattered = held.adapter if recipe.adapter else setting.trained * (held.dense + held.experts) + held.outer
    ranks = data_ranks(layout)
    piped = np.greater(layout.pipeline, 1)
    # Block by block, as they are wrapped.
    blocks = setting.shape.layers
    gather = net.gather_s(held.model * element, ranks, layout.tensor, blocks)
    scatter = net.gather_s(scattered * recipe.reduced_bytes, ranks, layout.tensor, blocks)
    # Blocks without a backward pass are gathered once.
    gathers = 1 + (setting.trained if recipe.reshards else 0)
    traffic = np.where(piped, gather + scatter, layout.micro_batches * (gathers * gather + scatter))
    return traffic - np.minimum(setting.factors.gather_overlap * traffic, busy)


def pipeline_transfer(setting: Setting, net: Fabric, busy: Any) -> Any:
    """Every micro-batch crosses each chunk boundary once forward and once backward.

    A share of that hides behind the `busy` seconds of compute at most, and never more than those.
    """
    layout = setting.layout
    size = setting.share * setting.shape.hidden * setting.recipe.activation_bytes
    one = net.send_s(size, layout.pipeline, layout.tensor * layout.context * layout.data)
    traffic = 2 * layout.virtual * layout.micro_batches * one
    shown = traffic - np.minimum(setting.factors.pipeline_overlap * traffic, busy)
    return np.where(np.greater(layout.pipeline, 1), shown, 0.0)


def data_parallel(setting: Setting, held: Resident, net: Fabric, micro_batch_s: Any) -> Any:
    """Gradients are reduced once a step, partly behind the last micro-batch's backward pass.

    Sharded gradients are scattered after every micro-batch: no rank has room to add them up whole.
    """
    recipe, layout = setting.recipe, setting.layout
    if recipe.gathers_weights:
        return 0.0 * layout.data
    ranks = data_ranks(layout)
    rounds = layout.micro_batches if recipe.gradients_sharded else 1
    # Sharded gradients leave block by block, whole ones in a few large buckets.
    pieces = setting.shape.layers if recipe.gradients_sharded else 1
    returned = recipe.gathered_weight_bytes if recipe.optimizer_sharded else recipe.reduced_bytes

    def reduced_s(parameters: Any, ranks: Any, stride: Any) -> Any:
        scatter = net.gather_s(parameters * recipe.reduced_bytes, ranks, stride, pieces)
        return rounds * scatter + net.gather_s(parameters * returned, ranks, stride, pieces)

    trained = held.adapter if recipe.adapter else setting.trained * held.dense + held.outer
    traffic = reduced_s(trained, ranks, layout.tensor)
    if recipe.adapter is None and np.any(held.experts):
        expert_ranks = np.maximum(ranks // layout.expert, 1)
        traffic = traffic + reduced_s(setting.trained * held.experts, expert_ranks, layout.tensor * layout.expert)
    return traffic - np.minimum(setting.factors.data_overlap * traffic, rounds * micro_batch_s * 2 / 3)


def data_ranks(layout: AnyLayout) -> Any:
    """Ranks that hold the same weights and see other tokens: data and context ranks."""
    return layout.data * layout.context
