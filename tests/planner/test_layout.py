"""Do layouts multiply to the devices and batches that they stand for, one by one and in arrays?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.layout import Layout, LayoutGrid, concatenate
from tests.planner.builders import examples, grid

DEGREES = Layout.__struct_fields__
LAYOUTS = st.builds(Layout, **{name: st.integers(1, 16) for name in DEGREES})


@pytest.mark.parametrize(
    ("layout", "devices", "global_batch"),
    [
        (Layout(), 1, 1),
        (Layout(tensor=8, pipeline=4, data=2), 64, 2),
        # Experts and virtual stages live on devices that are there already.
        (Layout(tensor=2, data=8, expert=8), 16, 8),
        (Layout(pipeline=4, virtual=3, micro_batches=8), 4, 8),
        (Layout(context=4, data=2, micro_batch=3, micro_batches=5), 8, 30),
    ],
)
def test_degrees_multiply(layout: Layout, devices: int, global_batch: int) -> None:
    """Devices are tensor x pipeline x context x data; a step's sequences are data x micro-batch x micro-batches."""
    assert (layout.devices, layout.global_batch) == (devices, global_batch)


@examples
@given(st.lists(LAYOUTS, min_size=1, max_size=5))
def test_a_grid_is_its_rows(layouts: list[Layout]) -> None:
    """Arrays of layouts give back each layout, and count its devices as it does."""
    columns = grid(layouts)
    assert len(columns) == len(layouts)
    assert [columns.row(index) for index in range(len(layouts))] == layouts
    assert columns.devices.tolist() == [layout.devices for layout in layouts]


@examples
@given(st.lists(st.tuples(LAYOUTS, st.booleans()), min_size=1, max_size=6))
def test_take_and_concatenate_keep_the_order(rows: list[tuple[Layout, bool]]) -> None:
    """A mask takes the rows it marks, in order, and both halves together hold all of them."""
    layouts = [layout for layout, _ in rows]
    mask = np.array([marked for _, marked in rows])
    marked, others = grid(layouts).take(mask), grid(layouts).take(~mask)
    assert [marked.row(index) for index in range(len(marked))] == [layout for layout, chosen in rows if chosen]
    joined = concatenate([marked, others])
    assert [joined.row(index) for index in range(len(joined))] == [
        layout for layout, chosen in sorted(rows, key=lambda row: not row[1])
    ]


def test_columns_that_are_missing_count_one() -> None:
    """A degree without a column is 1, and a column that is no degree is left out."""
    columns = LayoutGrid.of({"tensor": np.array([2, 4]), "nodes": np.array([1, 2])})
    assert [columns.row(index) for index in range(2)] == [Layout(tensor=2), Layout(tensor=4)]


def test_nothing_concatenates_to_nothing() -> None:
    """No grids at all make an empty one."""
    assert len(concatenate([])) == 0
