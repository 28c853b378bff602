"""Which fleets are the best for some weighing of money against time?"""

from __future__ import annotations

import numpy as np

from planner.layout import Ints
from planner.search import Floats

# As many points as a table may have beside the others.
SHOWN = 6


def pareto_front(usd: Floats, job_s: Floats) -> Ints:
    """The rows that no other row is cheaper than without being slower, or faster than without being dearer.

    Cheapest first; of rows that are equal in both, the first.
    """
    order = np.lexsort((np.arange(len(usd)), job_s, usd))
    fastest_before = np.minimum.accumulate(np.concatenate(([np.inf], job_s[order][:-1])))
    return np.asarray(order[job_s[order] < fastest_before])


def evenly_apart(rows: Ints, usd: Floats, most: int = SHOWN) -> Ints:
    """Up to so many rows of a front, its ends among them, the others evenly apart in the logarithm of their money."""
    if len(rows) <= most:
        return rows
    money = np.log(usd[rows])
    wanted = np.linspace(money[0], money[-1], most)
    near = sorted({int(np.argmin(np.abs(money - each))) for each in wanted})
    return np.asarray(rows[near])
