"""Does a device work at the rates that its setting says?"""

from __future__ import annotations

import math

import pytest

from planner.layout import Layout
from planner.recipe import Adapter, AdapterKind, Recipe
from planner.setting import Products, Setting
from pricing.records import replace
from tests.planner.builders import BANDWIDTH, DENSE, IDEAL, PEAK, TOKENS, machine, recipe

FACTORS = replace(IDEAL, matmul={"bf16": 0.5, "fp8": 0.4}, memory=0.8, outputs_half=1e6, depth_half=100.0)


def setting(layout: Layout = Layout(), made: Recipe | None = None) -> Setting:  # noqa: B008
    """A small dense model at half of a device's peak."""
    return Setting(
        shape=DENSE,
        recipe=made or recipe(),
        layout=layout,
        sequence_tokens=TOKENS,
        machine=machine(),
        factors=FACTORS,
    )


@pytest.mark.parametrize(
    ("layout", "prompt", "tokens"),
    [
        (Layout(), 0, TOKENS),
        (Layout(micro_batch=4), 0, 4 * TOKENS),
        (Layout(micro_batch=4, context=2), 0, 2 * TOKENS),
        (Layout(micro_batch=2), 20, 2 * (TOKENS + 20)),
    ],
)
def test_tokens_of_a_micro_batch(layout: Layout, prompt: int, tokens: int) -> None:
    """Context ranks share a sequence, and a trained prompt makes each longer."""
    adapter = Adapter(kind=AdapterKind.PROMPT, tokens=prompt) if prompt else None
    assert setting(layout, replace(recipe(), adapter=adapter)).tokens == tokens


def test_tensor_ranks_divide_a_micro_batch() -> None:
    """A rank's share is its tokens over the tensor ranks that work on them."""
    assert setting(Layout(micro_batch=4, tensor=8)).share == TOKENS / 2


@pytest.mark.parametrize(("dtype", "outer"), [("bf16", "bf16"), ("fp16", "fp16"), ("fp8", "bf16"), ("nvfp4", "bf16")])
def test_what_is_outside_the_blocks_stays_in_16_bits(dtype: str, outer: str) -> None:
    """Attention and the head compute in 16 bits where the blocks' products are narrower."""
    assert setting(made=replace(recipe(), compute_dtype=dtype)).outer_dtype == outer


@pytest.mark.parametrize(
    ("outputs", "depth", "share"),
    [(math.inf, math.inf, 1.0), (1e6, math.inf, 0.5), (math.inf, 100, 0.5), (1e6, 100, 0.25)],
)
def test_small_products_reach_less(outputs: float, depth: float, share: float) -> None:
    """Few outputs halve what large products reach, and so does a short sum; both at once leave a quarter."""
    outputs, depth = min(outputs, 1e18), min(depth, 1e18)
    assert setting().matrix_rate("bf16", outputs, depth) == pytest.approx(0.5 * PEAK * share)


def test_unknown_rates_are_not_numbers() -> None:
    """A type that nobody rated, or no factor knows, has no rate."""
    assert math.isnan(setting().matrix_rate("tf32", 1e6, 1e3))
    assert setting().memory_rate == 0.8 * BANDWIDTH


@pytest.mark.parametrize(
    ("frozen", "backward", "seconds"), [(False, 1.0, 2 + 2 + 3), (True, 1.0, 2 + 2), (False, 0.5, 2 + (2 + 3) / 2)]
)
def test_products_both_ways(frozen: bool, backward: float, seconds: float) -> None:
    """Gradients of inputs take the forward pass once more, those of weights are left out where these are frozen, and
    all of it for the blocks alone that have a backward pass."""
    assert Products(forward=2.0, weights=3.0).both(frozen, backward) == seconds
    assert Products(forward=2.0, weights=3.0).times(2).both(frozen, backward) == 2 * seconds
