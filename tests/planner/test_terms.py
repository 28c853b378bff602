"""Is what must be paid on each terms what AWS sells, in whole blocks and terms?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.terms import block_hours, committed_hours
from pricing.offer import Purchase
from tests.planner.builders import examples

DAY, WEEK, YEAR = 24.0, 168.0, 8760.0
AS_USED = [Purchase.ON_DEMAND, Purchase.SPOT]
COMMITTED = [each for each in Purchase if each not in (*AS_USED, Purchase.CAPACITY_BLOCK)]


@pytest.mark.parametrize(
    ("run", "paid"),
    [
        (0.01, DAY),
        (23.99, DAY),
        (DAY, DAY),
        (DAY + 0.01, 2 * DAY),
        (7 * DAY + 1, 8 * DAY),
        # By the day up to fourteen, by the week beyond.
        (13 * DAY + 1, 14 * DAY),
        (14 * DAY, 14 * DAY),
        (14 * DAY + 0.01, 3 * WEEK),
        (3 * WEEK, 3 * WEEK),
        (3 * WEEK + 0.01, 4 * WEEK),
        (26 * WEEK, 26 * WEEK),
    ],
)
def test_blocks_are_sold_by_the_day_and_then_by_the_week(run: float, paid: float) -> None:
    """A run takes the shortest Capacity Block that holds it."""
    assert committed_hours(Purchase.CAPACITY_BLOCK, run) == paid


@pytest.mark.parametrize("purchase", COMMITTED)
def test_commitments_are_for_one_year_or_three(purchase: Purchase) -> None:
    """A term is paid whether the run is short, or a service has no end; a run that outlasts it takes another."""
    term = 3 * YEAR if "3yr" in purchase else YEAR
    assert "1yr" in purchase or "3yr" in purchase
    for run in (None, 0.5, term - 1, term):
        assert committed_hours(purchase, run) == term
    assert committed_hours(purchase, term + 1) == 2 * term


@pytest.mark.parametrize("run", [None, 0.5, 9000.0])
@pytest.mark.parametrize("purchase", AS_USED)
def test_what_is_sold_by_the_hour_commits_to_nothing(purchase: Purchase, run: float | None) -> None:
    """On demand and on spot only what is used is paid."""
    assert committed_hours(purchase, run) is None


def test_no_block_is_as_long_as_a_service() -> None:
    """A service has no end, so that no Capacity Block can be said to hold it."""
    assert committed_hours(Purchase.CAPACITY_BLOCK, None) is None


@examples
@given(st.floats(0.001, 20_000), st.sampled_from([Purchase.CAPACITY_BLOCK, *COMMITTED]))
def test_what_is_paid_holds_the_run_and_hardly_more(run: float, purchase: Purchase) -> None:
    """Never less than the run, and less than one more step."""
    paid = committed_hours(purchase, run)
    assert paid is not None
    step = 3 * YEAR if "3yr" in purchase else YEAR
    if purchase is Purchase.CAPACITY_BLOCK:
        step = DAY if run <= 14 * DAY else WEEK
    assert run <= paid < run + step
    assert paid % step == 0


@examples
@given(st.lists(st.floats(0.001, 20_000), min_size=1, max_size=9))
def test_many_runs_take_the_blocks_of_each(runs: list[float]) -> None:
    """Over an array of runs as for each alone, and a longer run never takes a shorter block."""
    blocks = block_hours(np.array(runs))
    assert blocks.tolist() == [committed_hours(Purchase.CAPACITY_BLOCK, each) for each in runs]
    assert np.all(np.diff(block_hours(np.sort(np.array(runs)))) >= 0)
