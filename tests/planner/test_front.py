"""Is every fleet on the front worth its money, and none that is left out?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.front import SHOWN, evenly_apart, pareto_front
from planner.plan import Candidate
from tests.planner.builders import examples
from tests.planner.market_builders import market, plan, three_machines, three_offers, workload

FLEETS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=30)


@examples
@given(FLEETS)
def test_the_front_is_what_nothing_dominates(fleets: list[tuple[int, int]]) -> None:
    """By a plain loop: a pair of money and time stands on the front where none is as good in both and better in one."""
    usd, job_s = (np.array([pair[side] for pair in fleets], dtype=float) for side in (0, 1))
    front = [fleets[row] for row in pareto_front(usd, job_s)]
    undominated = {
        pair
        for pair in fleets
        if not any(other[0] <= pair[0] and other[1] <= pair[1] and other != pair for other in fleets)
    }
    assert front == sorted(undominated)


@examples
@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=40, unique=True), st.integers(2, 8))
def test_few_stand_for_many(money: list[float], most: int) -> None:
    """The cheapest and the dearest are always among those shown, which are in order and no more than asked for."""
    usd = np.array(sorted(money))
    shown = evenly_apart(np.arange(len(usd)), usd, most).tolist()
    assert (shown[0], shown[-1]) == (0, len(usd) - 1)
    assert shown == sorted(set(shown))
    assert len(shown) <= max(most, 1)


@pytest.mark.parametrize("objective", ["cost", "time"])
def test_a_plan_shows_what_time_costs(objective: str) -> None:
    """The front begins with the cheapest fleet and ends with the fastest; the chosen one is an end of it."""
    asked = workload(objective=objective, limits={"max_nodes": 4})
    found = plan(asked, market(three_machines(), three_offers()))
    runs = [each.run for each in found.front if each.run]
    assert 1 < len(runs) == len(found.front) <= SHOWN
    assert [run.usd for run in runs] == sorted(run.usd for run in runs)
    assert [run.run_s for run in runs] == sorted((run.run_s for run in runs), reverse=True)
    end: Candidate = found.front[0 if objective == "cost" else -1]
    assert end.run and found.chosen.run
    assert (end.run.usd, end.run.run_s) == (found.chosen.run.usd, found.chosen.run.run_s)
