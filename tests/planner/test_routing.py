"""Does sending tokens to experts take what router, copies, answers and buffers add up to?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.layout import Layout
from planner.memory import training_memory
from planner.recipe import Adapter, AdapterTargets, Recipe
from planner.resident import Stage
from planner.routing import Routing, RowBytes, room, routing
from planner.shape import ModelShape
from pricing.records import replace
from tests.planner.builders import BARE, DENSE, LATENT_MIXED, MIXED, examples, framework, grid, recipe, terms

# Two experts a token of 16, 512 wide; experts keep the 16-bit copy and three 16-bit inner rows of 256.
ROWS = RowBytes(entry=2.0, inner=6.0)
ROUTER = 13 * 16 + 28 * 2
COPIES = ANSWERS = 2 * 512 * 2
INNER = 2 * 256 * 6


def routed(
    shape: ModelShape = MIXED,
    made: Recipe = Recipe(),  # noqa: B008 - a frozen record
    layout: Any = Layout(),  # noqa: B008
    rows: RowBytes = ROWS,
    load: float = 1.0,
    sequence_split: float = 1.0,
) -> Routing:
    """What a token of the mixture of experts takes, some of it changed."""
    return routing(shape, made, layout, rows, load, sequence_split)


def test_a_dense_model_routes_nothing() -> None:
    """Without experts no byte is routing's."""
    found = routed(DENSE)
    assert (float(found.kept), float(found.live), float(found.exchanged)) == (0, 0, 0)


def test_router_copies_and_answers_add_up() -> None:
    """Scores, probabilities and mask of 16 experts, maps of two, two copies and two answers: a sum on paper."""
    found = routed()
    assert float(found.kept) == float(found.live) == ROUTER + COPIES + ANSWERS
    assert float(found.exchanged) == 0


def test_blocks_without_experts_thin_the_average_and_not_the_live_block() -> None:
    """One dense block of eight keeps nothing, so an average block keeps seven eighths of what a live one needs."""
    found = routed(LATENT_MIXED)
    assert float(found.kept) == pytest.approx(7 / 8 * float(found.live))


@pytest.mark.parametrize(
    ("made", "expert", "load", "share"),
    [
        # All experts at home: every copy of the device's own tokens, however they spread.
        (Recipe(), 1, 1.5, 1.0),
        # Elsewhere the busiest device gets more than the mean, up to its capacity where there is one.
        (Recipe(), 4, 1.5, 1.5),
        (Recipe(expert_capacity=2.0), 4, 1.5, 2.0),
        (Recipe(expert_capacity=2.0), 1, 1.5, 2.0),
        (Recipe(expert_capacity=0.75), 4, 1.5, 0.75),
    ],
)
def test_room_is_the_capacity_or_the_busiest_devices_load(made: Recipe, expert: int, load: float, share: float) -> None:
    """Copies, answers and inner rows beyond the mean follow the room that experts have."""
    layout = Layout(data=4, expert=expert)
    assert float(room(made, layout, load)) == share
    kept = float(routed(made=made, layout=layout, load=load).kept)
    assert kept == pytest.approx(ROUTER + share * (COPIES + ANSWERS) + (share - 1) * INNER)


def test_experts_elsewhere_need_a_buffer_to_send_and_one_to_receive() -> None:
    """With experts on other devices two copies of every dispatched row are there while one block exchanges them."""
    spread = routed(layout=Layout(data=4, expert=4), load=1.25)
    assert float(spread.exchanged) == 2 * 1.25 * COPIES


def test_tensor_ranks_share_answers_and_router_but_not_copies() -> None:
    """Ranks that share an expert all have the token whole; its answer, and the router's sequence, are divided."""
    found = routed(layout=Layout(tensor=2), sequence_split=2.0)
    assert float(found.kept) == ROUTER / 2 + COPIES + ANSWERS / 2


def test_frozen_experts_keep_no_copies() -> None:
    """Frozen products need no input: with adapters on attention alone the copies go, and the answers stay."""
    layout, tokens = Layout(), 1024
    full = recipe("bf16", "adamw", "zero1")
    frozen = replace(full, adapter=Adapter(rank=8, targets=AdapterTargets.ATTENTION))
    kept = [
        terms(training_memory(MIXED, made, layout, tokens, framework(), BARE)[Stage.FIRST])["expert_routing"]
        for made in (full, frozen)
    ]
    assert kept[0] == tokens * 8 * (ROUTER + COPIES + ANSWERS)
    assert kept[1] == tokens * 8 * (ROUTER + ANSWERS)


@pytest.mark.parametrize(("recompute", "blocks"), [("none", 8), ("full", 1)])
def test_recomputing_routes_again(recompute: str, blocks: int) -> None:
    """Under full recompute one block's routing is there, while it is computed again; else that of every block."""
    shape = replace(MIXED, vocab=10)
    made = recipe("bf16", "adamw", "zero1", f"recompute-{recompute}")
    need = terms(training_memory(shape, made, Layout(), 1024, framework(), BARE)[Stage.FIRST])
    assert need["expert_routing"] == 1024 * blocks * (ROUTER + COPIES + ANSWERS)


def test_what_a_pipeline_has_in_flight_is_routed_too() -> None:
    """The first of four stages holds routing of four micro-batches of two blocks, the last of one."""
    made = recipe("bf16", "adamw", "replicated")
    need = training_memory(MIXED, made, Layout(pipeline=4, micro_batches=8), 1024, framework(), BARE)
    each = 1024 * 2 * (ROUTER + COPIES + ANSWERS)
    assert [float(need[stage].expert_routing) for stage in Stage] == [4 * each, each]


@examples
@given(
    st.sampled_from([MIXED, LATENT_MIXED, DENSE]),
    st.lists(
        st.builds(
            Layout,
            tensor=st.sampled_from([1, 2]),
            expert=st.sampled_from([1, 2, 4]),
            data=st.sampled_from([4, 8]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.floats(1.0, 4.0),
)
def test_arrays_agree_with_single_layouts(shape: ModelShape, layouts: list[Layout], load: float) -> None:
    """An array of layouts gives each layout's own bytes, never less with a heavier load."""
    together = routed(shape, layout=grid(layouts), load=load)
    for index, layout in enumerate(layouts):
        alone, even = (routed(shape, layout=layout, load=each) for each in (load, 1.0))
        for name in ("kept", "live", "exchanged"):
            column = getattr(together, name)
            value = float(column[index]) if getattr(column, "ndim", 0) else float(column)
            assert value == pytest.approx(float(getattr(alone, name)))
            assert float(getattr(alone, name)) >= float(getattr(even, name))
