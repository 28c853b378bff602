"""Does what is trained beside a frozen model cost the time that its paper's arithmetic says?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.adapter_time import ADDED_ROWS, LENGTH_PASSES, SCALED_ROWS
from planner.adapters import adapted_matrices
from planner.layout import Layout
from planner.recipe import Adapter, AdapterKind, AdapterTargets, Recompute
from planner.shape import ModelShape
from pricing.records import replace
from tests.planner.builders import BANDWIDTH, DENSE, MIXED, PEAK, SHAPES, TOKENS, machine, recipe, step

FULL = recipe("bf16", "adamw", "replicated", of="huggingface")
NO_MEMORY = machine(memory_bytes_per_s=1e30)
NO_PRODUCTS = machine(flop_per_s=1e30)


def adapters(kind: AdapterKind, layout: Layout | None = None, **others: Any) -> float:
    """Seconds of a step that adapters of rank 16 take."""
    made = replace(FULL, adapter=Adapter(rank=16, kind=kind))
    return step(layout or Layout(), made=made, **others)["adapters"]


def sizes() -> list[tuple[int, int, int]]:
    """Matrices of a dense block with adapters."""
    return adapted_matrices(DENSE.blocks[0], DENSE.hidden, AdapterTargets.ALL_LINEAR)


def test_low_rank_products_cost_what_was_measured() -> None:
    """The measured runs with adapters show no time beyond that of the frozen blocks."""
    assert adapters(AdapterKind.LOW_RANK) == 0


def test_bottlenecks_go_three_times() -> None:
    """Forward, gradients of inputs and of what is trained: two products into the rank and two back, twice a block."""
    flop = DENSE.layers * TOKENS * 3 * 2 * 4 * DENSE.hidden * 16
    assert adapters(AdapterKind.BOTTLENECK, on=NO_MEMORY) == pytest.approx(flop / PEAK, rel=1e-3)
    moved = 3 * DENSE.layers * TOKENS * 2 * (1 + ADDED_ROWS) * DENSE.hidden * 2
    assert adapters(AdapterKind.BOTTLENECK, on=NO_PRODUCTS) == pytest.approx(moved / BANDWIDTH, rel=1e-3)


def test_dora_makes_every_weight_for_each_micro_batch() -> None:
    """Beside outputs that are scaled, lengths of all weights are taken once forward, however few tokens there are."""
    weights = DENSE.layers * sum(count * deep * wide for count, deep, wide in sizes())
    scaled = 3 * DENSE.layers * TOKENS * SCALED_ROWS * sum(count * wide for count, _, wide in sizes()) * 2
    assert adapters(AdapterKind.DORA, on=NO_PRODUCTS) == pytest.approx(
        (scaled + LENGTH_PASSES * weights * 2) / BANDWIDTH, rel=1e-3
    )
    assert adapters(AdapterKind.DORA, on=NO_MEMORY) == pytest.approx(2 * 16 * weights / PEAK, rel=1e-3)
    four = Layout(micro_batches=4)
    assert adapters(AdapterKind.DORA, four) == pytest.approx(4 * adapters(AdapterKind.DORA))


def test_scales_of_groups_take_whole_gradients() -> None:
    """PEQA does the products of a full fine-tune, and reads the gradients once more to sum them by group."""
    made = replace(FULL, adapter=Adapter(kind=AdapterKind.GROUP_SCALE), dequantizes=True, block_weight_bytes=0.5)
    took, full = step(Layout(), made=made), step(Layout(), made=FULL)
    assert took["matmul"] == pytest.approx(full["matmul"])
    weights = DENSE.layers * sum(count * deep * wide for count, deep, wide in sizes())
    assert took["adapters"] == pytest.approx(weights * 2.5 / BANDWIDTH, rel=1e-3)


@pytest.mark.parametrize("kind", sorted(set(AdapterKind) - {AdapterKind.PROMPT, AdapterKind.LOW_RANK}))
@pytest.mark.parametrize("shape", SHAPES)
def test_no_adapter_is_free(kind: AdapterKind, shape: ModelShape) -> None:
    """Every kind takes some time beside the frozen model, on dense models and mixtures."""
    assert adapters(kind, shape=shape) > 0


def test_a_prompt_makes_the_sequence_longer() -> None:
    """Trained embeddings pass the blocks as tokens do."""
    made, longer = (replace(FULL, adapter=Adapter(kind=AdapterKind.PROMPT, tokens=count)) for count in (0, TOKENS))
    assert step(Layout(), made=longer)["matmul"] == pytest.approx(2 * step(Layout(), made=made)["matmul"])


def test_full_recompute_does_adapters_again() -> None:
    """The forward pass that is done again has the adapters in it; biases do nothing forward."""
    scaled, bias = (
        step(Layout(), made=replace(FULL, recompute=Recompute.FULL, adapter=Adapter(kind=kind)))
        for kind in (AdapterKind.SCALE, AdapterKind.BIAS)
    )
    assert scaled["recompute"] - bias["recompute"] == pytest.approx(scaled["adapters"] / 3)


def test_a_token_passes_the_experts_that_it_chose() -> None:
    """Scales of sixteen experts cost a token as many rows as it meets experts."""
    twice = replace(MIXED, blocks=(replace(MIXED.blocks[0], mlp=replace(MIXED.blocks[0].mlp, experts=32)),))
    kind = AdapterKind.SCALE
    assert adapters(kind, shape=twice, on=NO_MEMORY) == pytest.approx(adapters(kind, shape=MIXED, on=NO_MEMORY))
