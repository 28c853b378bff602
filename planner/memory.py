"""How much memory does the worst device need at the peak of a training step?

Itemised by cause and by pipeline stage; formulas from Rajbhandari et al. 2019 (arXiv 1910.02054) for model
states, Korthikanti et al. 2022 (arXiv 2205.05198) for what pipelines keep in flight, operation tables by
software (planner.activations). The peak is at the turn from forward to backward pass, or at the optimizer's
step: terms that are not alive at the peak are zero. The same formulas serve one layout and arrays of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from planner.activations import Kept, expert_row_bytes, kept_bytes_per_token, live_bytes_per_token
from planner.calibration import MemoryFactors
from planner.framework import Framework
from planner.in_flight import blocks_in_flight, trained_share
from planner.layout import AnyLayout
from planner.recipe import AdapterKind, Place, Recipe, Recompute
from planner.resident import Resident, Stage, resident
from planner.routing import routing
from planner.shape import ModelShape
from planner.software import Stepping
from planner.stage_activations import ROUTES_AGAIN, along_sequence, block_bytes, routed_bytes, stage_bytes, tokens_of
from planner.states import StateBytes, largest_block, largest_matrix, states

# A sharded model gathers the next block while it works on the current one.
GATHERED_BLOCKS = 2
# Tensor ranks that share a sequence gather it before a product, and its gradient on the way back.
GATHERED_SEQUENCES = 2
BUCKET_ELEMENT_BYTES = 2
# What lives elsewhere passes through the device one block ahead.
STREAMED_BLOCKS = 2
# Head and loss in one kernel work on as many rows at a time as make their logits as large as all hidden states, rounded
# up to a power of two; 16-bit logits become their own gradient, beside the gradient of the hidden states (Liger Kernel,
# arXiv 2410.10989, section 3.2, and ops/fused_linear_cross_entropy.py).
FUSED_LOSS_BYTES = 2 * 2 + 2
# Terms of planner.states that are there at every moment.
_ALWAYS = (
    "weights",
    "embedding_and_head",
    "quantization_blocks",
    "adapters",
    "master_weights",
    "optimizer_states",
    "adapter_states",
)


class MemoryNeed(Struct, frozen=True, kw_only=True):
    """Bytes on one device of one stage, by cause; numbers, or one per layout.

    Weights and states are split as in planner.states. `expert_routing` is what a mixture of experts takes beside its
    experts' inner rows (planner.routing).
    `total` is what nvidia-smi shows, `reserved` what the allocator took (torch.cuda.max_memory_reserved),
    `allocated` what tensors take of that (max_memory_allocated).
    """

    weights: Any
    embedding_and_head: Any
    quantization_blocks: Any
    adapters: Any
    gradients: Any
    master_weights: Any
    optimizer_states: Any
    adapter_states: Any
    step_temporaries: Any
    gathered_blocks: Any
    gathered_sequence: Any
    buckets: Any
    dequantized_matrix: Any
    activations: Any
    expert_routing: Any
    recomputed_block: Any
    logits_and_loss: Any
    work_space: Any
    allocator_slack: Any
    context_and_collectives: Any

    @property
    def total(self) -> Any:
        """Bytes in all."""
        return sum(asdict(self).values())

    @property
    def reserved(self) -> Any:
        """Bytes that the allocator has taken."""
        return self.total - self.context_and_collectives

    @property
    def allocated(self) -> Any:
        """Bytes in tensors."""
        return self.reserved - self.allocator_slack


def training_memory(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    sequence_tokens: int,
    framework: Framework,
    factors: MemoryFactors,
) -> dict[Stage, MemoryNeed]:
    """The need of a device on the first and on the last pipeline stage; the worst of them must fit."""
    return {stage: _stage_memory(shape, recipe, layout, sequence_tokens, framework, factors, stage) for stage in Stage}


def peak_bytes(need: dict[Stage, MemoryNeed]) -> Any:
    """Bytes on the worst device."""
    return np.maximum(need[Stage.FIRST].total, need[Stage.LAST].total)


def worst_stage(need: dict[Stage, MemoryNeed]) -> Stage:
    """The stage of the worst device of one layout."""
    return max(Stage, key=lambda stage: float(need[stage].total))


def _stage_memory(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    sequence_tokens: int,
    framework: Framework,
    factors: MemoryFactors,
    stage: Stage,
) -> MemoryNeed:
    stepping = framework.software.stepping
    held = resident(shape, layout, stage, recipe.adapter, stepping.ends_as_blocks)
    trained = trained_share(shape, recipe, layout, stage, stepping)
    kept = states(shape, recipe, layout, held, framework.software, trained)
    turn = _turn(shape, recipe, layout, sequence_tokens, framework, factors, stage)
    gathered, dequantized = _workspace(shape, recipe, layout, held, framework)
    passing = {**turn, "gathered_blocks": gathered, "dequantized_matrix": dequantized}
    slack = (factors.fragmentation - 1) * sum(passing.values())
    if stepping.varies_lengths:
        slack = slack + (factors.varied_lengths - 1) * (turn["logits_and_loss"] + turn["recomputed_block"])
    return MemoryNeed(
        **_at_the_peak(layout, kept, {**passing, "allocator_slack": slack}, stepping.keeps_gradients),
        buckets=BUCKET_ELEMENT_BYTES * stepping.bucket_elements + 0.0 * held.model,
        work_space=factors.workspace_bytes + 0.0 * held.model,
        context_and_collectives=_fixed(layout, stepping, factors),
    )


def _at_the_peak(layout: AnyLayout, kept: StateBytes, passing: dict[str, Any], keeps_gradients: bool) -> dict[str, Any]:
    """The terms alive at the worse of two moments: the turn to the backward pass, and the optimizer's step.

    Gradients that are made in this very backward pass come as activations go, so that but for the head's, the first,
    they are not alive at the turn; those of earlier micro-batches, and buffers that are always there, are.
    """
    early = keeps_gradients | np.greater(layout.micro_batches, 1)
    passed = sum(passing.values())
    made = np.where(early, kept.gradients, np.minimum(kept.head_gradient, kept.gradients))
    at_turn = passed + made
    stepped = np.asarray(kept.gradients + kept.step_temporaries > at_turn)
    return {
        **{name: getattr(kept, name) for name in _ALWAYS},
        "gradients": np.where(stepped, kept.gradients, made),
        "step_temporaries": np.where(stepped, kept.step_temporaries, 0.0),
        **{name: np.where(stepped, 0.0, value) for name, value in passing.items()},
    }


def _turn(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    sequence_tokens: int,
    framework: Framework,
    factors: MemoryFactors,
    stage: Stage,
) -> dict[str, Any]:
    """Activations, what experts are sent, the live block and the logits where forward turns to backward."""
    software = framework.software
    tokens = tokens_of(recipe, layout, sequence_tokens)
    along = along_sequence(recipe, layout, framework)
    kept = kept_bytes_per_token(shape, recipe, software, sequence_tokens)
    routed = routing(shape, recipe, layout, expert_row_bytes(shape, recipe, software), factors.expert_load, along)
    inside, between = stage_bytes(shape, recipe, layout, sequence_tokens, framework, stage)
    sent = routed_bytes(shape, recipe, layout, sequence_tokens, framework, stage, factors.expert_load)
    if recipe.activations_place is not Place.DEVICE:
        blocks = blocks_in_flight(shape, recipe, layout, stage, software.stepping)
        streamed = np.minimum(STREAMED_BLOCKS / np.maximum(blocks, 1), 1.0)
        inside, sent = inside * streamed, sent * streamed
    live = 0.0 * tokens
    if recipe.recompute is not Recompute.NONE:
        whole = live_bytes_per_token(shape, recipe, software, sequence_tokens)
        again = Kept(split=whole.split - kept.split, whole=whole.whole - kept.whole)
        live = np.maximum(block_bytes(again, recipe, layout, sequence_tokens, framework), 0.0)
    exchanged = tokens * (routed.live * (recipe.recompute in ROUTES_AGAIN) + routed.exchanged)
    logits = _head_bytes(shape, recipe, layout, sequence_tokens, framework, stage)
    if recipe.recompute is Recompute.FULL:
        # The loss is done with its logits before the last block is computed again: only the larger counts.
        alive = live + exchanged > logits
        live, exchanged = np.where(alive, live, 0.0), np.where(alive, exchanged, 0.0)
        logits = np.where(alive, 0.0, logits)
    gathered = np.where(
        np.greater(along, 1),
        GATHERED_SEQUENCES * tokens * shape.hidden * recipe.activation_bytes,
        0.0,
    )
    return {
        "activations": inside + between,
        "expert_routing": sent + exchanged,
        "recomputed_block": live,
        "logits_and_loss": logits,
        "gathered_sequence": gathered,
    }


def _head_bytes(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, sequence_tokens: int, framework: Framework, stage: Stage
) -> Any:
    """Bytes of logits and loss, or of the structure that a folding model's loss is on; on the last stage."""
    tokens = tokens_of(recipe, layout, sequence_tokens)
    if recipe.loss_fuses_head:
        head = tokens * min(shape.hidden, shape.logits_width) * FUSED_LOSS_BYTES * recipe.activation_bytes / 2
    else:
        head = tokens * shape.logits_width * _logits_bytes(recipe, framework) / layout.tensor
    if shape.structure:
        head = head + tokens * shape.structure.kept_bytes(sequence_tokens, recipe.activation_bytes)
    return np.where(np.equal(layout.pipeline, 1), head, 0.0) if stage is Stage.FIRST else head


def _logits_bytes(recipe: Recipe, framework: Framework) -> float:
    """Bytes of one logit at the peak of the loss."""
    operations, adapting = framework.software.operations, framework.software.adapting
    if recipe.loss_chunks > 1:
        rest = operations.logits_bytes - operations.chunked_logits_bytes
        return operations.chunked_logits_bytes + rest / recipe.loss_chunks
    if recipe.dequantizes and not recipe.keeps_packed_inputs and operations.packed_logits_bytes is not None:
        return operations.packed_logits_bytes
    if recipe.keeps_packed_inputs and adapting.upcasts_outer:
        # Logits and their shifted copy are in float32 too.
        return operations.logits_bytes + 4
    return operations.logits_bytes * recipe.activation_bytes / 2


def _workspace(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, held: Resident, framework: Framework
) -> tuple[Any, Any]:
    """Bytes of gathered blocks with the gradient of one, and of one dequantized matrix.

    Under a pipeline a stage stays gathered, its gradients whole, until the last micro-batch has passed
    (torchtitan: FSDP2 does not reshard in between); without resharding it does until the backward pass.
    """
    largest = largest_block(shape, layout)
    unpacked = recipe.dequantizes * (1 + _makes_weight_gradients(recipe))
    dequantized = largest_matrix(shape, layout) * recipe.gathered_weight_bytes * unpacked + 0.0 * largest
    elsewhere = recipe.weights_place is not Place.DEVICE
    if not recipe.gathers_weights:
        return STREAMED_BLOCKS * largest * recipe.block_weight_bytes * elsewhere, dequantized
    element = recipe.block_weight_bytes if recipe.dequantizes else recipe.gathered_weight_bytes
    gradient = 0.0 if recipe.adapter else recipe.gradient_bytes
    first = largest * gradient
    blocks = largest * GATHERED_BLOCKS * element
    if framework.software.stepping.gathers_outer:
        # The head is whole while its gradient, the first of all, is made.
        first = first + held.head * gradient
        blocks = blocks + held.outer * recipe.gathered_weight_bytes
    stage = held.model * element
    alone = blocks + first if recipe.reshards else stage + first
    gathered = np.where(np.greater(layout.pipeline, 1), stage + held.model * gradient, alone)
    # On a single device there is nobody to gather from, but the host.
    return np.where(np.greater(layout.data * layout.context, 1) | elsewhere, gathered, 0.0), dequantized


def _makes_weight_gradients(recipe: Recipe) -> bool:
    """Whether gradients of frozen weights are made for what is trained of them: their scales."""
    return recipe.adapter is not None and recipe.adapter.kind is AdapterKind.GROUP_SCALE


def _fixed(layout: AnyLayout, stepping: Stepping, factors: MemoryFactors) -> Any:
    """The device context, and one set of buffers per communicator."""
    communicators = (
        np.greater(layout.tensor, 1).astype(int)
        + np.greater(layout.pipeline, 1)
        + np.greater(layout.context, 1)
        + np.greater(layout.expert, 1)
        + np.greater(layout.data, 1)
        + stepping.further_communicators * np.greater(layout.devices, 1)
    )
    return factors.context_bytes + factors.collectives_bytes * communicators
