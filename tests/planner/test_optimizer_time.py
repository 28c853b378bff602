"""Does an optimizer's step take the arithmetic and the traffic that its paper tells?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.adapters import matrices
from planner.layout import Layout
from planner.optimizer_time import DECOMPOSED_SHARE, NEWTON_SCHULZ, PROJECTED_EVERY
from planner.recipe import Recipe
from pricing.records import replace
from tests.planner.builders import DENSE, FSDP, MIXED, PEAK, ZERO1, machine, recipe, step

NO_MEMORY = machine(memory_bytes_per_s=1e30)
PLAIN = recipe("bf16", "adamw", "replicated", of="huggingface")
MUON = recipe("bf16", "muon", "replicated", of="megatron")
SIZES = [
    (run.count * count, min(sides), max(sides)) for run in DENSE.blocks for count, *sides in matrices(run, DENSE.hidden)
]


def optimizer(made: Recipe, layout: Layout | None = None, **others: Any) -> float:
    """Seconds of a step that its optimizer takes."""
    return step(layout or Layout(), made=made, on=NO_MEMORY, **others)["optimizer"]


def test_galore_projects_each_step_and_decomposes_now_and_then() -> None:
    """Two products of the rank with each matrix a step, and a decomposition in float32 every two hundred steps."""
    made = replace(PLAIN, projected_rank=16)
    products = sum(count * 4 * 16 * short * long for count, short, long in SIZES) / PEAK
    decomposed = sum(count * (6 * short**2 * long + 20 * short**3) for count, short, long in SIZES)
    each = decomposed / (DECOMPOSED_SHARE * PEAK) / PROJECTED_EVERY
    assert optimizer(made) == pytest.approx(products + each, rel=1e-3)
    assert optimizer(replace(PLAIN, projected_rank=DENSE.hidden)) == pytest.approx(optimizer(PLAIN))


def test_muon_iterates_on_every_matrix() -> None:
    """Five Newton-Schulz iterations of 4 m^2 n + 2 m^3 FLOP on each matrix of the blocks."""
    flop = NEWTON_SCHULZ * sum(count * (4 * short**2 * long + 2 * short**3) for count, short, long in SIZES)
    assert optimizer(MUON) == pytest.approx(flop / PEAK, rel=1e-3)


def test_muon_is_repeated_on_tensor_ranks_and_shared_by_data_ranks() -> None:
    """Whole matrices are iterated on by each tensor rank; where states are sharded, data ranks do a part each."""
    one = optimizer(MUON)
    assert optimizer(MUON, Layout(tensor=2)) >= one
    assert optimizer(MUON, Layout(data=4)) == pytest.approx(one)
    sharded = replace(ZERO1, orthogonalizes=True)
    assert optimizer(sharded, Layout(data=4)) == pytest.approx(one / 4, rel=1e-3)
    assert optimizer(MUON, Layout(pipeline=2)) == pytest.approx(one / 2)


def test_shards_that_cut_matrices_come_together_first() -> None:
    """Under FSDP momenta are exchanged before the iterations and after them."""
    made = replace(FSDP, orthogonalizes=True)
    assert optimizer(made, Layout(data=4)) > optimizer(replace(ZERO1, orthogonalizes=True), Layout(data=4))


def test_experts_are_spread() -> None:
    """A device iterates on its own experts alone."""
    assert optimizer(MUON, Layout(data=4, expert=4), shape=MIXED) < optimizer(MUON, Layout(data=4), shape=MIXED)


def test_blocks_that_are_frozen_step_nothing() -> None:
    """A quarter of the blocks trained takes a quarter of their optimizer's time."""
    made = replace(MUON, trained_share=0.25)
    assert optimizer(made) == pytest.approx(optimizer(MUON) / 4, rel=1e-3)
