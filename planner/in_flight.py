"""How many blocks' activations does a pipeline stage hold at once?

1F1B: min(m, p) micro-batches on the first stage, one on the last. Interleaved: 2 (p - 1 - rank) + (v - 1) p + 1
chunks (Narayanan et al. 2021, section 2.2; warm-up of Megatron-LM's schedule). GPipe: all of them (Huang et al.
2018, arXiv 1811.06965). Zero bubble ZB-H1: what 1F1B holds, and on later stages nearly as much again of those whose
weights' gradients wait, so that every stage has as many as the first (Qi et al. 2023, arXiv 2401.10241, table 2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.layout import AnyLayout
from planner.recipe import Recipe, Schedule
from planner.resident import Stage, layers_per_stage
from planner.shape import ModelShape
from planner.software import Stepping


def blocks_in_flight(shape: ModelShape, recipe: Recipe, layout: AnyLayout, stage: Stage, stepping: Stepping) -> Any:
    """Blocks whose activations a stage holds at once: the trained ones of all micro-batches in flight."""
    blocks = layers_per_stage(shape, layout, stepping.ends_as_blocks)
    rank = _rank(layout, stage)
    blocks = blocks * trained_share(shape, recipe, layout, stage, stepping)
    plain = _in_flight(recipe, layout, stage, stepping) * blocks
    chunks = 2 * (layout.pipeline - 1 - rank) + (layout.virtual - 1) * layout.pipeline + 1
    chunks = np.minimum(chunks, layout.virtual * layout.micro_batches)
    return np.where(np.greater(layout.virtual, 1), chunks * blocks / layout.virtual, plain)


def rows_in_flight(recipe: Recipe, layout: AnyLayout, stage: Stage, stepping: Stepping) -> Any:
    """Rows of the hidden width that micro-batches in flight hold beside their blocks: received, and to be sent."""
    rows = stepping.stage_copies * _in_flight(recipe, layout, stage, stepping)
    return np.where(np.greater(layout.pipeline, 1), rows, 0)


def trained_share(shape: ModelShape, recipe: Recipe, layout: AnyLayout, stage: Stage, stepping: Stepping) -> Any:
    """Share of a stage's blocks that is trained: those nearest to the output."""
    if recipe.trained_share == 1.0:
        return 1.0
    blocks = layers_per_stage(shape, layout, stepping.ends_as_blocks)
    behind = (layout.pipeline - 1 - _rank(layout, stage)) * blocks
    return np.clip((np.ceil(recipe.trained_share * shape.layers) - behind) / blocks, 0.0, 1.0)


def _in_flight(recipe: Recipe, layout: AnyLayout, stage: Stage, stepping: Stepping) -> Any:
    if recipe.schedule is Schedule.GPIPE:
        return layout.micro_batches
    waiting = layout.pipeline - (0 if recipe.schedule is Schedule.ZERO_BUBBLE else _rank(layout, stage))
    waiting = waiting + stepping.extra_in_flight * np.greater(layout.pipeline, 1)
    return np.minimum(layout.micro_batches, waiting)


def _rank(layout: AnyLayout, stage: Stage) -> Any:
    return 0 if stage is Stage.FIRST else layout.pipeline - 1
