"""How many bytes of weights, gradients and optimizer states does a device keep?

Rajbhandari et al. 2019 (arXiv 1910.02054): each is whole, or divided among data-parallel ranks; routed experts
over their own, narrower ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.layout import AnyLayout
from planner.moments import moment_bytes
from planner.recipe import Place, Recipe
from planner.resident import Resident
from planner.shape import ModelShape
from planner.software import Software
from pricing.records import replace

# AdamW's two moments in float32, of each parameter.
ADAMW_BYTES = 8.0
# A weight itself has whole bits; what it takes beyond them are its share of scales and zero points.
WHOLE_BIT_BYTES = 1 / 8


class StateBytes(Struct, frozen=True, kw_only=True):
    """Bytes on one device after sharding; `step_temporaries` exist while the optimizer steps.

    `weights` are those inside the blocks, `quantization_blocks` the scales of packed ones; `adapters` is what is
    trained beside frozen weights, `adapter_states` its optimizer states, master weights among them.
    `head_gradient` is the part of the gradients that is made first.
    """

    weights: Any
    embedding_and_head: Any
    quantization_blocks: Any
    adapters: Any
    gradients: Any
    head_gradient: Any
    master_weights: Any
    optimizer_states: Any
    adapter_states: Any
    step_temporaries: Any

    @property
    def all_weights(self) -> Any:
        """Weights of whatever kind, master copies aside."""
        return self.weights + self.embedding_and_head + self.quantization_blocks + self.adapters

    @property
    def all_states(self) -> Any:
        """What the optimizer keeps."""
        return self.master_weights + self.optimizer_states + self.adapter_states


def states(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, held: Resident, software: Software, trained: Any = 1.0
) -> StateBytes:
    """Weights, gradients and optimizer states after sharding; `trained` is the share of the blocks that is trained."""
    if recipe.adapter is None:
        kept = _trained_states(shape, recipe, layout, held, software, trained)
    else:
        kept = _frozen_states(recipe, layout, held, software)
    if not (software.stepping.accumulates_whole and recipe.gradients_sharded):
        return kept
    accumulates = np.greater(layout.micro_batches, 1)
    return replace(kept, gradients=np.where(accumulates, _whole_gradients(recipe, held, trained), kept.gradients))


def _whole_gradients(recipe: Recipe, held: Resident, trained: Any) -> Any:
    """Gradients of everything that is sharded together, before it is reduced.

    A flat parameter of FSDP has one gradient, in which what is frozen beside adapters has its place too; packed
    integers have none (PyTorch, FullyShardedDataParallel: no_sync, and use_orig_params).
    """
    if recipe.adapter is None:
        return recipe.gradient_bytes * (trained * (held.dense + held.experts) + held.outer)
    frozen = held.outer if recipe.dequantizes else held.model
    return recipe.outer_weight_bytes * (frozen + held.adapter)


def largest_block(shape: ModelShape, layout: AnyLayout) -> Any:
    """Parameters of the largest block on a device, whole among data ranks."""
    largest = 0.0 * layout.tensor
    for run in shape.blocks:
        experts = run.mlp.expert_parameters(shape.hidden)
        dense = run.parameters(shape.hidden, shape.norm_bias) - experts
        largest = np.maximum(largest, (dense + experts / layout.expert) / layout.tensor)
    return largest


def largest_matrix(shape: ModelShape, layout: AnyLayout) -> Any:
    """Parameters of the largest single matrix of a block on a device: quantized ones are unpacked one at a time."""
    widths = [
        max(run.attention.query_width, run.mlp.ffn, run.mlp.shared_ffn, run.recurrence.width if run.recurrence else 0)
        for run in shape.blocks
    ]
    return shape.hidden * max(widths) / layout.tensor


def _shared(layout: AnyLayout, dense: Any, experts: Any, sharded: bool) -> Any:
    ranks = layout.data * layout.context
    return dense / ranks + experts / np.maximum(ranks // layout.expert, 1) if sharded else dense + experts


def _weights(
    recipe: Recipe, layout: AnyLayout, held: Resident, outer_bytes: float, software: Software
) -> dict[str, Any]:
    """The model's own weights by term."""
    if recipe.weights_place is not Place.DEVICE:
        # Sharded weights are elsewhere altogether; where only blocks stream in, both ends stay.
        none = 0.0 * held.model
        ends = held.outer * outer_bytes * (not recipe.weights_sharded)
        return {"weights": none, "embedding_and_head": ends, "quantization_blocks": none}
    scales = recipe.block_weight_bytes % WHOLE_BIT_BYTES
    copies = software.products_in(recipe.compute_dtype).weight_copy_bytes
    element = recipe.block_weight_bytes - scales + recipe.cast_weight_bytes + copies
    ends = held.outer * (outer_bytes + recipe.cast_weight_bytes)

    def inside(each: float) -> Any:
        return _shared(layout, each * held.dense, each * held.experts, recipe.weights_sharded)

    return {
        "weights": inside(element),
        "embedding_and_head": _shared(layout, ends, 0.0, recipe.weights_sharded),
        "quantization_blocks": inside(scales),
    }


def _trained_states(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, held: Resident, software: Software, share: Any
) -> StateBytes:
    # Of a model that is frozen layer by layer the head is trained, the embedding is not.
    outer = held.outer if recipe.trained_share == 1.0 else held.head
    dense, experts = share * held.dense, share * held.experts
    trained = dense + outer
    gradients = recipe.gradient_bytes * _shared(layout, trained, experts, recipe.gradients_sharded)
    if recipe.step_in_backward:
        # A gradient lives until its own parameter has stepped: that of the largest matrix or block.
        gradients = np.minimum(gradients, recipe.gradient_bytes * np.maximum(largest_block(shape, layout), outer))
    each = moment_bytes(shape, recipe)
    moments = _shared(layout, each.inside * dense + each.ends * outer, each.inside * experts, recipe.optimizer_sharded)
    masters = recipe.master_bytes * _shared(layout, trained, experts, recipe.optimizer_sharded)
    own = _shared(layout, trained, experts, recipe.optimizer_sharded)
    copies = software.stepping.shard_bytes * own if recipe.optimizer_sharded else 0.0 * own
    step = software.stepping.step_bytes * own * (not recipe.step_in_backward)
    if recipe.optimizer_place is not Place.DEVICE:
        # Pages hold moments alone. Else the step is done where the states are, and gradients go there as they come.
        moments, masters, copies = 0.0 * moments, masters * recipe.pages_optimizer, copies * recipe.pages_optimizer
        step = step * recipe.pages_optimizer
        gradients = gradients * (recipe.pages_optimizer or not recipe.gradients_sharded)
    return StateBytes(
        **_weights(recipe, layout, held, recipe.outer_weight_bytes, software),
        adapters=0.0 * own,
        gradients=gradients,
        head_gradient=recipe.gradient_bytes * _shared(layout, held.head, 0.0, recipe.gradients_sharded),
        master_weights=masters,
        optimizer_states=moments + copies,
        adapter_states=0.0 * own,
        step_temporaries=step,
    )


def _frozen_states(recipe: Recipe, layout: AnyLayout, held: Resident, software: Software) -> StateBytes:
    adapting = software.adapting
    upcast = adapting.upcasts_outer and recipe.keeps_packed_inputs
    outer_bytes = 4.0 if upcast else recipe.outer_weight_bytes
    # An optimizer that keeps less than the software's own AdamW keeps as little of adapters and of copies of the ends;
    # what is beyond two moments in float32 are master weights, which it keeps as well.
    on_device = recipe.optimizer_place is Place.DEVICE
    own = min(adapting.state_bytes, ADAMW_BYTES)
    moments = (min(own, recipe.optimizer_bytes) + adapting.state_bytes - own) * on_device
    copied_moments = min(2 * outer_bytes, recipe.optimizer_bytes) * on_device

    def kept(adapter_bytes: float, copy_bytes: float, sharded: bool) -> Any:
        taken = adapter_bytes * (held.adapter - held.copies) + copy_bytes * held.copies
        return _shared(layout, taken, 0.0, sharded)

    return StateBytes(
        **_weights(recipe, layout, held, outer_bytes, software),
        adapters=kept(adapting.weight_bytes, outer_bytes, recipe.weights_sharded),
        gradients=kept(adapting.gradient_bytes, outer_bytes, recipe.gradients_sharded),
        head_gradient=0.0 * held.adapter,
        master_weights=0.0 * held.adapter,
        optimizer_states=0.0 * held.adapter,
        adapter_states=kept(moments, copied_moments, recipe.optimizer_sharded),
        step_temporaries=kept(adapting.step_bytes, adapting.copy_step_bytes, recipe.optimizer_sharded),
    )
