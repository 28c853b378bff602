"""What is trained how and where, and at which rate does a device work on it?

A matrix product reaches a share of the peak that its shape decides; everything else is read and written at what the
device's memory moves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.calibration import TimeFactors
from planner.in_flight import trained_share
from planner.layout import AnyLayout
from planner.machines import AnyMachine, of_machine
from planner.recipe import AdapterKind, Recipe
from planner.resident import Stage
from planner.shape import ModelShape
from planner.software import Stepping

# Attention and the head run in 16 bits whatever the type of the blocks' products.
OUTER_DTYPES = {"fp8": "bf16", "mxfp8": "bf16", "nvfp4": "bf16"}
# Formats with scales for blocks of 32 or 16 elements run at the rate of their elements.
RATED_AS = {"mxfp8": "fp8", "nvfp4": "fp4"}
# The slowest stage of a model that is frozen layer by layer is its last one, which trains most; a block is a block.
PLAIN = Stepping()


class Setting(Struct, frozen=True, kw_only=True):
    """What is trained how and where: one layout, or arrays of them, on one machine, or each on its own."""

    shape: ModelShape
    recipe: Recipe
    layout: AnyLayout
    sequence_tokens: int
    machine: AnyMachine
    factors: TimeFactors

    @property
    def tokens(self) -> Any:
        """Tokens of one micro-batch on a rank: context ranks share a sequence, a trained prompt makes it longer."""
        adapter = self.recipe.adapter
        prompt = adapter.tokens if adapter and adapter.kind is AdapterKind.PROMPT else 0
        return self.layout.micro_batch * (self.sequence_tokens + prompt) / self.layout.context

    @property
    def share(self) -> Any:
        """Tokens of a micro-batch for which a rank works alone, tensor ranks counted as dividing them."""
        return self.tokens / self.layout.tensor

    @property
    def trained(self) -> Any:
        """Share of the blocks that has a backward pass, on the stage where it is largest."""
        return trained_share(self.shape, self.recipe, self.layout, Stage.LAST, PLAIN)

    @property
    def memory_rate(self) -> Any:
        """Achieved bytes/s of a device's memory; NaN where no source states the peak."""
        return self.factors.memory * of_machine(lambda one: one.memory_bytes_per_s_per_device or np.nan, self.machine)

    @property
    def outer_dtype(self) -> str:
        """The type in which attention and the head compute."""
        return OUTER_DTYPES.get(self.recipe.compute_dtype, self.recipe.compute_dtype)

    def peak(self, dtype: str) -> Any:
        """Peak FLOP/s of a device; NaN where no source states it."""
        rated = RATED_AS.get(dtype, dtype)
        return of_machine(lambda one: one.flop_per_s_per_device(rated) or np.nan, self.machine)

    def matrix_rate(self, dtype: str, outputs: Any, depth: Any) -> Any:
        """Achieved FLOP/s of a product on one device: less where it has few outputs, or sums over few elements.

        Outputs are made in tiles, of which a device works on many at once; the first and the last of them find it
        partly idle, and so do the first steps of each sum.
        """
        factors = self.factors
        filled = outputs / (outputs + factors.outputs_half) * (depth / (depth + factors.depth_half))
        return self.peak(dtype) * factors.matmul.get(dtype, np.nan) * filled

    def products_s(self, dtype: str, flop: float, rows: Any, sides: tuple[Any, Any], matrices: Any = 1) -> Products:
        """Seconds of products of `flop` in all by matrices with these two sides.

        One half of the products makes rows of the one side, the other half rows of the other (into a block's inner
        width and back); `matrices` of them, each with its own `rows`, run at once.
        """
        wide, deep = sides
        whole = rows * matrices
        there = flop / 2 / self.matrix_rate(dtype, whole * wide, deep)
        back = flop / 2 / self.matrix_rate(dtype, whole * deep, wide)
        # Gradients of inputs are the same products turned round; those of weights sum over the rows.
        weights = flop / self.matrix_rate(dtype, matrices * wide * deep, rows)
        return Products(forward=there + back, weights=weights)


class Products(Struct, frozen=True, kw_only=True):
    """Seconds of matrix products: forward, which gradients of inputs take once more, and gradients of weights."""

    forward: Any
    weights: Any

    def times(self, amount: Any) -> Products:
        """So many of them."""
        return Products(forward=amount * self.forward, weights=amount * self.weights)

    def both(self, frozen: bool, backward: Any = 1.0) -> Any:
        """Seconds forward and backward; a frozen base needs no gradients of its weights, and below the first trained
        block there is no backward pass, so that a share of the products alone has one."""
        return self.forward + backward * (self.forward + (0.0 if frozen else 1.0) * self.weights)
