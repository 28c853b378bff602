"""Is what must be paid on each terms what AWS sells, in whole blocks and terms?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.terms import RunHours, block_hours, block_nodes, committed_node_hours, paid_node_hours
from pricing.offer import Purchase
from tests.planner.builders import examples

DAY, WEEK, YEAR = 24.0, 168.0, 8760.0
AS_USED = [Purchase.ON_DEMAND, Purchase.SPOT]
COMMITTED = [each for each in Purchase if each not in (*AS_USED, Purchase.CAPACITY_BLOCK)]


EARLY = 0.5
"""Hours before a block's end at which EC2 begins to take the instances back."""


def hours(expected: float, latest: float | None = None) -> RunHours:
    """A run's hours, by default without a band."""
    return RunHours(expected=expected, latest=latest or expected)


@pytest.mark.parametrize(
    ("latest", "paid"),
    [
        (0.01, DAY),
        (DAY - EARLY, DAY),
        (DAY - EARLY + 0.01, 2 * DAY),
        (7 * DAY, 8 * DAY),
        # By the day up to fourteen, by the week beyond.
        (14 * DAY - EARLY, 14 * DAY),
        (14 * DAY, 3 * WEEK),
        (3 * WEEK - EARLY, 3 * WEEK),
        (3 * WEEK, 4 * WEEK),
        (26 * WEEK - EARLY, 26 * WEEK),
        (26 * WEEK, math.inf),
    ],
)
def test_blocks_are_sold_by_the_day_and_then_by_the_week(latest: float, paid: float) -> None:
    """A run takes the shortest Capacity Block in which it surely ends, and none is longer than 26 weeks."""
    assert block_hours(latest) == paid
    assert paid_node_hours(Purchase.CAPACITY_BLOCK, 4, hours(latest / 2, latest)) == 4 * paid


@pytest.mark.parametrize(
    ("nodes", "sold"), [(1, 1), (2, 2), (3, 4), (9, 16), (17, 32), (33, 64), (64, 64), (65, math.inf)]
)
def test_blocks_are_sold_in_powers_of_two(nodes: int, sold: float) -> None:
    """A fleet takes the smallest block that has its instances, and none has more than 64."""
    assert block_nodes(nodes) == sold
    assert paid_node_hours(Purchase.CAPACITY_BLOCK, nodes, hours(1)) == sold * DAY
    committed = committed_node_hours(Purchase.CAPACITY_BLOCK, nodes, hours(1))
    assert committed == (None if math.isinf(sold) else sold * DAY)


@pytest.mark.parametrize("purchase", COMMITTED)
def test_commitments_are_for_one_year_or_three(purchase: Purchase) -> None:
    """A term is paid whether the run is short, or a service has no end; a run that outlasts it takes another."""
    term = 3 * YEAR if "3yr" in purchase else YEAR
    assert "1yr" in purchase or "3yr" in purchase
    for run in (None, hours(0.5, 2), hours(term - 1, term + 1), hours(term)):
        assert committed_node_hours(purchase, 3, run) == 3 * term
    assert committed_node_hours(purchase, 3, hours(term + 1)) == 6 * term
    assert paid_node_hours(purchase, 3, hours(10, 20)) == 30


@pytest.mark.parametrize("run", [None, hours(0.5), hours(9000.0)])
@pytest.mark.parametrize("purchase", AS_USED)
def test_what_is_sold_by_the_hour_commits_to_nothing(purchase: Purchase, run: RunHours | None) -> None:
    """On demand and on spot only what is used is paid."""
    assert committed_node_hours(purchase, 2, run) is None
    assert run is None or paid_node_hours(purchase, 2, run) == 2 * run.expected


def test_no_block_is_as_long_as_a_service() -> None:
    """A service has no end, so that no Capacity Block can be said to hold it."""
    assert committed_node_hours(Purchase.CAPACITY_BLOCK, 1, None) is None


@examples
@given(st.floats(0.001, 4000), st.floats(1, 1.09), st.sampled_from([Purchase.CAPACITY_BLOCK, *COMMITTED]))
def test_what_is_paid_holds_the_run_and_hardly_more(expected: float, edge: float, purchase: Purchase) -> None:
    """Never less than the run at its longest, and less than one more step."""
    run = hours(expected, expected * edge)
    paid = committed_node_hours(purchase, 1, run)
    assert paid is not None
    needed = run.latest + EARLY if purchase is Purchase.CAPACITY_BLOCK else run.expected
    step = 3 * YEAR if "3yr" in purchase else YEAR
    if purchase is Purchase.CAPACITY_BLOCK:
        step = DAY if needed <= 14 * DAY else WEEK
    assert needed <= paid < needed + step
    assert paid % step == 0


@examples
@given(st.lists(st.tuples(st.integers(1, 80), st.floats(0.001, 5000)), min_size=1, max_size=9))
def test_many_runs_take_the_blocks_of_each(fleets: list[tuple[int, float]]) -> None:
    """Over arrays of fleets as for each alone, and a longer run never takes a shorter block."""
    nodes, runs = (np.array(column) for column in zip(*fleets, strict=True))
    one_by_one = [paid_node_hours(Purchase.CAPACITY_BLOCK, each, hours(run)) for each, run in fleets]
    assert (block_nodes(nodes) * block_hours(runs)).tolist() == one_by_one
    longer = block_hours(np.sort(runs))
    assert np.all(longer[1:] >= longer[:-1])
