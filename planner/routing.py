"""What does sending tokens to experts keep, and need at once?

A mixture of experts routes each token to a few experts and weighs their answers: scores and maps of the router, a copy
of the token for every expert it goes to, the answers until they are weighed, and with experts on other devices the
buffers that copies are sent from and received into. How many rows an expert has room for is a capacity factor's
(GShard, arXiv 2006.16668; Switch, arXiv 2101.03961), or without one what the router happens to send
(MegaBlocks, arXiv 2211.15841; Megatron-Core's alltoall dispatcher): the busiest device has more than the mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.layout import AnyLayout
from planner.recipe import Recipe
from planner.shape import Blocks, ModelShape

# For each expert: scores and probabilities in float32, probabilities with all but the chosen masked, and the mask.
ROUTER_BYTES = 4 + 4 + 4 + 1
# For each expert a token goes to: its index, the row's old and new place (int64), and its weight (float32).
MAP_BYTES = 8 + 8 + 8 + 4
# While copies are exchanged there is what is sent and what is received.
EXCHANGED = 2


class Routing(Struct, frozen=True, kw_only=True):
    """Bytes that one token takes on a device: `kept` in an average block until its backward pass, `live` in the widest
    block while it works, `exchanged` while that block's copies are sent to experts elsewhere. Zero for dense models."""

    kept: Any
    live: Any
    exchanged: Any


class RowBytes(Struct, frozen=True, kw_only=True):
    """What experts keep of a row: of each element of its copy, and of each element of the inner width."""

    entry: float
    inner: float


def routing(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, rows: RowBytes, load: float, sequence_split: Any
) -> Routing:
    """What routing takes of one token of a device's micro-batch, before any recompute.

    `load` is the busiest device's share of rows over the mean where no capacity bounds it; `sequence_split` the ranks
    that norms and the router share the sequence with.
    """
    each = [(run.count, _kept(run, shape, recipe, layout, rows, load, sequence_split)) for run in shape.blocks]
    mixed = [run.mlp.experts_per_token for run in shape.blocks if run.mlp.experts]
    copy = shape.hidden * recipe.activation_bytes * max(mixed, default=0)
    exchanged = EXCHANGED * copy * room(recipe, layout, load) * np.greater(layout.expert, 1)
    return Routing(
        kept=sum(count * kept for count, kept in each) / shape.layers,
        live=np.max([kept + 0.0 * layout.tensor for _, kept in each], axis=0),
        exchanged=exchanged + 0.0 * layout.tensor,
    )


def room(recipe: Recipe, layout: AnyLayout, load: float) -> Any:
    """Rows on the busiest device over the mean: the capacity factor, or how unevenly a dropless router sends.

    A device that has all experts has all copies of its tokens, however they are spread.
    """
    if recipe.expert_capacity:
        return recipe.expert_capacity + 0.0 * layout.expert
    return np.where(np.greater(layout.expert, 1), load, 1.0)


def _kept(
    run: Blocks,
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    rows: RowBytes,
    load: float,
    sequence_split: Any,
) -> Any:
    """Bytes of one token in one block: router, copies, answers, and inner rows beyond the mean.

    Tensor ranks that share an expert each have the whole copy; its answers and inner rows are divided among them.
    """
    mlp = run.mlp
    if not mlp.experts:
        return 0.0
    held = room(recipe, layout, load)
    router = (ROUTER_BYTES * mlp.experts + MAP_BYTES * mlp.experts_per_token) / sequence_split
    copies = mlp.experts_per_token * shape.hidden * rows.entry * held
    answers = mlp.experts_per_token * shape.hidden * recipe.activation_bytes * held / layout.tensor
    beyond = (held - 1) * mlp.experts_per_token * mlp.ffn * rows.inner / layout.tensor
    return router + copies + answers + beyond
