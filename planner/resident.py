"""How many parameters does one device hold, of which kind?

Pipeline stages are unequal: the first holds the embedding, the last the head, and where layers do not divide,
some stages hold one block more. A mean over stages understates the worst device, so stages are asked one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from msgspec import Struct

from planner.adapters import adapter_parameters
from planner.layout import AnyLayout
from planner.recipe import Adapter, AdapterKind
from planner.shape import Blocks, ModelShape


class Stage(StrEnum):
    """The pipeline stages that can be the worst. Without a pipeline both are the whole model."""

    FIRST = "first"
    LAST = "last"


class Resident(Struct, frozen=True, kw_only=True):
    """Parameters of one device before data-parallel sharding; numbers, or one per layout.

    `dense` are those inside the blocks but for routed experts, `experts` the routed experts' (divided by the
    expert-parallel degree too), `outer` embeddings, head and final norm, `head` those
    of `outer` that make logits, `adapter` all that is trained beside a frozen model, `copies` what of that is trained
    copies of the embedding's and the head's matrices.
    """

    dense: Any
    experts: Any
    outer: Any
    head: Any
    adapter: Any
    copies: Any

    @property
    def model(self) -> Any:
        """All but the adapters."""
        return self.dense + self.experts + self.outer


def layers_per_stage(shape: ModelShape, layout: AnyLayout, ends_as_blocks: bool = False) -> Any:
    """Blocks on the fullest stage: chunks of equal size, as many as the virtual degree says.

    With `ends_as_blocks` embedding and head each take the place of a block (BLOOM's partition); the first and the
    last stage then have one block less than others.
    """
    chunks = layout.pipeline * layout.virtual
    if ends_as_blocks:
        piped = np.greater(layout.pipeline, 1)
        return np.where(piped, -(-(shape.layers + 2) // chunks) * layout.virtual - 1, shape.layers)
    return -(-shape.layers // chunks) * layout.virtual


def resident(
    shape: ModelShape, layout: AnyLayout, stage: Stage, adapter: Adapter | None, ends_as_blocks: bool = False
) -> Resident:
    """Parameters on one device of `stage`.

    Tensor parallelism divides every matrix (norm vectors, a ten-thousandth, are counted as divided too) but for
    keys and values, of which each rank has a whole head or more; tied embeddings stand on both ends of a pipeline
    (Megatron-LM keeps two copies and adds their gradients).
    """
    whole = np.equal(layout.pipeline, 1)
    layers = layers_per_stage(shape, layout, ends_as_blocks)

    def staged(each: Sequence[float]) -> Any:
        return np.where(whole, _most(shape, each, shape.layers), _most(shape, each, layers))

    experts = [run.mlp.expert_parameters(shape.hidden) for run in shape.blocks]
    dense = [
        run.parameters(shape.hidden, shape.norm_bias) - expert
        for run, expert in zip(shape.blocks, experts, strict=True)
    ]
    keys = [_copied_parameters(run, shape.hidden, layout.tensor) for run in shape.blocks]
    all_keys = sum(run.count * each for run, each in zip(shape.blocks, keys, strict=True))
    ends = shape.embedding_parameters if stage is Stage.FIRST else shape.head_parameters
    outer = np.where(whole, shape.parameters - shape.block_parameters, ends)
    copied_ends = _copies(shape, adapter, stage, whole)
    return Resident(
        dense=staged(dense) / layout.tensor
        + np.where(whole, all_keys, np.minimum(all_keys, layers * np.max(keys, axis=0))),
        experts=staged(experts) / (layout.tensor * layout.expert),
        outer=outer / layout.tensor,
        head=np.where(whole | (stage is Stage.LAST), shape.head_parameters, 0.0) / layout.tensor,
        adapter=(_trained(shape, adapter, staged, stage, whole) + copied_ends) / layout.tensor,
        copies=copied_ends / layout.tensor,
    )


def _copies(shape: ModelShape, adapter: Adapter | None, stage: Stage, whole: Any) -> Any:
    """Trained copies of the embedding's and the head's matrices on a stage: one of each, tied or not.

    PEFT copies each module that is named whole (modules_to_save); an encoder-decoder's stacks share one embedding.
    Positions, norms and projections stay frozen.
    """
    if adapter is None or not adapter.outer:
        return 0.0
    part = shape.embedding_matrix if stage is Stage.FIRST else shape.head_matrix
    return np.where(whole, shape.embedding_matrix + shape.head_matrix, part)


def _trained(
    shape: ModelShape,
    adapter: Adapter | None,
    staged: Callable[[Sequence[float]], Any],
    stage: Stage,
    whole: Any,
) -> Any:
    """Trained parameters beside the frozen ones and copies of the ends: in the blocks of the stage, and prompts."""
    if adapter is None:
        return 0.0 * whole
    inside: list[float] = [adapter_parameters(run, shape.hidden, adapter) for run in shape.blocks]
    ends: Any = 0.0
    if adapter.kind is AdapterKind.PROMPT:
        ends = np.where(whole | (stage is Stage.FIRST), adapter.tokens * shape.hidden, 0.0)
    if adapter.parameters:
        # The number is known: it counts, spread over the blocks as evenly as they are.
        known = adapter.parameters - (shape.embedding_matrix + shape.head_matrix) * adapter.outer
        inside = [max(known, 0) / shape.layers for _ in shape.blocks]
    return staged(inside) + ends


def _most(shape: ModelShape, each: Sequence[float], layers: Any) -> Any:
    """The most that `layers` blocks in a row can have of something that a block of each run has so much of.

    Runs that alternate are written one after the other, so the order of blocks is not known: the heaviest come first,
    as many as there are.
    """
    left, found = layers, 0.0
    for run, value in sorted(zip(shape.blocks, each, strict=True), key=lambda pair: -pair[1]):
        taken = np.minimum(left, run.count)
        left, found = left - taken, found + taken * value
    return found


def _copied_parameters(run: Blocks, hidden: int, tensor: Any) -> Any:
    """Key and value weights of one block that a device has beyond its share, where heads are fewer than ranks."""
    attention = run.attention
    if attention.latent:
        return 0.0 * tensor
    return 2 * hidden * attention.kv_width * (1 / np.minimum(tensor, attention.kv_heads) - 1 / tensor)
