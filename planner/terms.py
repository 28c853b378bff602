"""For how long does one pay that buys on some terms?"""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.offer import Purchase
from pricing.units import DAY_S, HOUR_S, MINUTE_S, WEEK_S, YEAR_S

_TERM_YEARS = {
    Purchase.RESERVED_1YR: 1,
    Purchase.SAVINGS_PLAN_1YR: 1,
    Purchase.COMPUTE_SAVINGS_PLAN_1YR: 1,
    Purchase.RESERVED_3YR: 3,
    Purchase.SAVINGS_PLAN_3YR: 3,
    Purchase.COMPUTE_SAVINGS_PLAN_3YR: 3,
}
# Capacity Blocks are sold by the day up to two weeks, then by the week (EC2 user guide, Capacity Blocks for ML).
_BLOCK_DAYS_S = 14 * DAY_S
# Sizes and longest time of a block, and how long before its end EC2 begins to end the instances (the same guide).
BLOCK_SIZES = (1, 2, 4, 8, 16, 32, 64)
LONGEST_BLOCK_S = 182 * DAY_S
BLOCK_ENDS_EARLY_S = 30 * MINUTE_S


def committed_hours(purchase: Purchase, run_hours: float | None) -> float | None:
    """Hours that are paid for, used or not; None where only what is used is paid.

    `run_hours` None stands for a service that never ends: no block is as long, and a term is paid once.
    """
    if purchase in _TERM_YEARS:
        return float(_whole(run_hours or 0.0, _TERM_YEARS[purchase] * YEAR_S / HOUR_S))
    if purchase is not Purchase.CAPACITY_BLOCK or run_hours is None:
        return None
    return float(block_hours(run_hours))


def block_hours(run_hours: Any) -> Any:
    """Hours of the shortest Capacity Block that holds a run; a number, or one per run."""
    days = run_hours <= _BLOCK_DAYS_S / HOUR_S
    return _whole(run_hours, np.where(days, DAY_S / HOUR_S, WEEK_S / HOUR_S))


def _whole(hours: Any, step_hours: Any) -> Any:
    """The hours, rounded up to whole steps: one or more."""
    return np.maximum(np.ceil(hours / step_hours), 1) * step_hours
