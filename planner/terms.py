"""For how long does one pay that buys on some terms?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pricing.offer import Purchase
from pricing.units import DAY_S, HOUR_S, MINUTE_S, WEEK_S, YEAR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHours:
    """How long a run is predicted to take, and how long it may take: the upper edge of its band."""

    expected: float
    latest: float


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
_BLOCK_SIZES = np.array((1, 2, 4, 8, 16, 32, 64))
_LONGEST_BLOCK_S = 182 * DAY_S
_BLOCK_ENDS_EARLY_S = 30 * MINUTE_S


def block_nodes(nodes: Any) -> Any:
    """Instances of the smallest Capacity Block that has so many; inf where none has. A number, or one per fleet."""
    sizes = np.append(_BLOCK_SIZES.astype(float), np.inf)
    return sizes[np.searchsorted(_BLOCK_SIZES, nodes)]


def block_hours(latest_hours: Any) -> Any:
    """Hours of the shortest Capacity Block that holds a run; inf where none does. A number, or one per run.

    `latest_hours` is the longest that the run may take: it must be over before EC2 begins to end the instances.
    """
    needed = latest_hours + _BLOCK_ENDS_EARLY_S / HOUR_S
    days = needed <= _BLOCK_DAYS_S / HOUR_S
    hours = _whole(needed, np.where(days, DAY_S / HOUR_S, WEEK_S / HOUR_S))
    return np.where(hours <= _LONGEST_BLOCK_S / HOUR_S, hours, np.inf)


def committed_node_hours(purchase: Purchase, nodes: int, run: RunHours | None) -> float | None:
    """Hours of all nodes that are paid for, used or not; None where only what is used is paid.

    `run` None stands for a service that never ends: no block is as long, and a term is paid once. None too where no
    block is as large or as long.
    """
    if purchase in _TERM_YEARS:
        expected = run.expected if run else 0.0
        return nodes * float(_whole(expected, _TERM_YEARS[purchase] * YEAR_S / HOUR_S))
    if purchase is not Purchase.CAPACITY_BLOCK or run is None:
        return None
    paid = paid_node_hours(purchase, nodes, run)
    return paid if math.isfinite(paid) else None


def paid_node_hours(purchase: Purchase, nodes: int, run: RunHours) -> float:
    """Hours of all nodes that a run pays for: a block whole, since it is bought for this run; otherwise what it uses.

    A commitment may serve another job after it. Inf where no block is as large or as long.
    """
    if purchase is Purchase.CAPACITY_BLOCK:
        return float(block_nodes(nodes) * block_hours(run.latest))
    return nodes * run.expected


def _whole(hours: Any, step_hours: Any) -> Any:
    """The hours, rounded up to whole steps: one or more."""
    return np.maximum(np.ceil(hours / step_hours), 1) * step_hours
