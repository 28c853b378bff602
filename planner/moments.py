"""How many bytes does the optimizer keep for each trained parameter?

AdamW keeps two numbers for each, whatever matrix it belongs to. Some keep fewer by the matrix: Adafactor a row and a
column (Shazeer and Stern 2018, arXiv 1804.04235, section 3), GaLore moments of a gradient that is projected along its
shorter side, and the projection (Zhao et al. 2024, arXiv 2403.03507, section 4.1: mr + 2nr for m below n). Norms and
biases, a ten-thousandth, are counted like the matrices beside them.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from planner.adapters import matrices
from planner.recipe import Recipe
from planner.shape import ModelShape

# Rows and columns of second moments stay in float32.
FACTOR_BYTES = 4


class MomentBytes(Struct, frozen=True, kw_only=True):
    """Bytes for a parameter of the blocks, and for one of embeddings, head and final norm."""

    inside: float
    ends: float


def moment_bytes(shape: ModelShape, recipe: Recipe) -> MomentBytes:
    """What the recipe's optimizer keeps, master weights left out."""
    ends = recipe.optimizer_bytes if recipe.outer_optimizer_bytes is None else recipe.outer_optimizer_bytes
    if recipe.factored:
        table = (shape.vocab, shape.hidden)
        return MomentBytes(inside=_mean(shape, _factored(recipe)), ends=_factored(recipe)(*table))
    if recipe.projected_rank:
        # Embeddings and head are trained by plain AdamW.
        return MomentBytes(inside=_mean(shape, _projected(recipe)), ends=ends)
    return MomentBytes(inside=recipe.optimizer_bytes, ends=ends)


def _factored(recipe: Recipe) -> Callable[[int, int], float]:
    return lambda rows, columns: recipe.optimizer_bytes + FACTOR_BYTES * (1 / rows + 1 / columns)


def _projected(recipe: Recipe) -> Callable[[int, int], float]:
    """Moments of rank x longer side, and a projection of rank x shorter side in the weight's own type."""

    def of_matrix(rows: int, columns: int) -> float:
        rank = recipe.projected_rank
        if rank >= min(rows, columns):
            return recipe.optimizer_bytes
        kept = recipe.optimizer_bytes * max(rows, columns) + recipe.block_weight_bytes * min(rows, columns)
        return rank * kept / (rows * columns)

    return of_matrix


def _mean(shape: ModelShape, of_matrix: Callable[[int, int], float]) -> float:
    """Bytes a parameter, over the matrices of all blocks."""
    each = [
        (run.count * count * inputs * outputs, of_matrix(inputs, outputs))
        for run in shape.blocks
        for count, inputs, outputs in matrices(run, shape.hidden)
        if inputs and outputs
    ]
    parameters = sum(number for number, _ in each)
    return sum(number * taken for number, taken in each) / parameters if parameters else 0.0
