"""How many bytes of activations does a pipeline stage keep until its backward passes?"""

from __future__ import annotations

from typing import Any

from planner.activations import Kept, expert_row_bytes, kept_bytes_per_token
from planner.framework import Framework
from planner.in_flight import blocks_in_flight, rows_in_flight
from planner.layout import AnyLayout
from planner.recipe import AdapterKind, Recipe, Recompute
from planner.resident import Stage
from planner.routing import routing
from planner.shape import ModelShape

# Routing is no product, and what is sent to experts is not on any save list (torchtitan's apply_ac).
ROUTES_AGAIN = (Recompute.SELECTIVE, Recompute.FULL)


def tokens_of(recipe: Recipe, layout: AnyLayout, sequence_tokens: int) -> Any:
    """Tokens of a micro-batch on one device, with those of a trained prompt in front of each sequence."""
    prompt = recipe.adapter.tokens if recipe.adapter and recipe.adapter.kind is AdapterKind.PROMPT else 0
    return layout.micro_batch * (sequence_tokens + prompt) / layout.context


def along_sequence(recipe: Recipe, layout: AnyLayout, framework: Framework) -> Any:
    """Tensor ranks that share what is not split by heads or columns; 1 where each has all of it."""
    return layout.tensor if recipe.sequence_sharded and framework.software.stepping.sequence_sharded else 1.0


def block_bytes(kept: Kept, recipe: Recipe, layout: AnyLayout, sequence_tokens: int, framework: Framework) -> Any:
    """Bytes of one micro-batch in one block, by what each of its tokens keeps."""
    along = along_sequence(recipe, layout, framework)
    return tokens_of(recipe, layout, sequence_tokens) * (kept.split / layout.tensor + kept.whole / along)


def stage_bytes(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, sequence_tokens: int, framework: Framework, stage: Stage
) -> tuple[Any, Any]:
    """Bytes that blocks keep of all micro-batches in flight, and of rows between stages. Wherever they are kept."""
    stepping = framework.software.stepping
    blocks = blocks_in_flight(shape, recipe, layout, stage, stepping)
    kept = kept_bytes_per_token(shape, recipe, framework.software, sequence_tokens)
    rows = rows_in_flight(recipe, layout, stage, stepping)
    sent = tokens_of(recipe, layout, sequence_tokens) * rows * shape.hidden * recipe.activation_bytes
    one = block_bytes(kept, recipe, layout, sequence_tokens, framework) + _prefix_bytes(shape, recipe, layout)
    return one * blocks, sent / along_sequence(recipe, layout, framework)


def routed_bytes(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    sequence_tokens: int,
    framework: Framework,
    stage: Stage,
    load: float,
) -> Any:
    """Bytes that routing to experts keeps of all micro-batches in flight, wherever; none where it is done again.

    `load` is the share of rows over the mean that is counted (planner.routing).
    """
    if recipe.recompute in ROUTES_AGAIN:
        return 0.0 * layout.tensor
    along = along_sequence(recipe, layout, framework)
    kept = routing(shape, recipe, layout, expert_row_bytes(shape, recipe, framework.software), load, along).kept
    blocks = blocks_in_flight(shape, recipe, layout, stage, framework.software.stepping)
    return tokens_of(recipe, layout, sequence_tokens) * kept * blocks


def _prefix_bytes(shape: ModelShape, recipe: Recipe, layout: AnyLayout) -> Any:
    """Bytes of one block's trained keys and values, copied for each sequence of a micro-batch (PEFT)."""
    if recipe.adapter is None or recipe.adapter.kind is not AdapterKind.PREFIX:
        return 0.0
    width = 2 * max(run.attention.kv_width for run in shape.blocks)
    return layout.micro_batch * recipe.adapter.tokens * width * recipe.activation_bytes / layout.tensor
