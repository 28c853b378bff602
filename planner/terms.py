"""For how long does one pay that buys on some terms?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pricing.blocks import DAYS, ENDS_EARLY_S, SIZES
from pricing.offer import Purchase
from pricing.reservation import Held
from pricing.units import HOUR_S, HOURS_PER_DAY, YEAR_S


class RunHours(Struct, frozen=True, kw_only=True):
    """How long a run is predicted to take, and how long it may take: the upper edge of its band.

    An interruption stops `stopped_nodes`, all of them where None, and wastes `lost` hours of theirs beside the restart;
    of a run that saves its state the half of a checkpoint's interval, where None.
    """

    expected: float
    latest: float
    stopped_nodes: int | None = None
    lost: float | None = None


_TERM_YEARS = {
    Purchase.RESERVED_1YR: 1,
    Purchase.SAVINGS_PLAN_1YR: 1,
    Purchase.COMPUTE_SAVINGS_PLAN_1YR: 1,
    Purchase.RESERVED_3YR: 3,
    Purchase.SAVINGS_PLAN_3YR: 3,
    Purchase.COMPUTE_SAVINGS_PLAN_3YR: 3,
}


def block_nodes(nodes: Any) -> Any:
    """Instances of the smallest Capacity Block that has so many; inf where none has. A number, or one per fleet."""
    return _next(SIZES, nodes)


def block_hours(latest_hours: Any) -> Any:
    """Hours of the shortest Capacity Block that holds a run; inf where none does. A number, or one per run.

    `latest_hours` is the longest that the run may take: it must be over before EC2 begins to end the instances.
    """
    return _next(DAYS, (latest_hours + ENDS_EARLY_S / HOUR_S) / HOURS_PER_DAY) * HOURS_PER_DAY


def block_node_hours(nodes: Any, latest_hours: Any, bought: Held | None = None) -> Any:
    """Hours of all instances of the Capacity Block that a fleet runs in; inf where none holds it. Numbers, or arrays.

    `bought` is the block that the account has, and pays for whole whatever runs in it; otherwise the smallest and
    shortest is bought.
    """
    if bought is None:
        return block_nodes(nodes) * block_hours(latest_hours)
    fits = (nodes <= bought.reservation.count) & (latest_hours <= bought.hours_left)
    # A plan that is read needs no arrays, and holds the hours of its run.
    import numpy as np

    return np.where(fits, bought.reservation.count * bought.hours, np.inf)


def committed_node_hours(
    purchase: Purchase, nodes: int, run: RunHours | None, bought: Held | None = None
) -> float | None:
    """Hours of all nodes that are paid for, used or not; None where only what is used is paid.

    `run` None stands for a service that never ends: no block is as long, and a term is paid once. None too where no
    block is as large or as long.
    """
    if purchase in _TERM_YEARS:
        term_hours = _TERM_YEARS[purchase] * YEAR_S / HOUR_S
        terms = math.ceil(run.expected / term_hours) if run else 1
        return nodes * terms * term_hours
    if purchase is not Purchase.CAPACITY_BLOCK or run is None:
        return None
    paid = paid_node_hours(purchase, nodes, run, bought)
    return paid if math.isfinite(paid) else None


def paid_node_hours(purchase: Purchase, nodes: int, run: RunHours, bought: Held | None = None) -> float:
    """Hours of all nodes that a run pays for: a block whole, since it is bought for this run; otherwise what it uses.

    `bought` is the block that the account has already. A commitment may serve another job after it. Inf where no block
    is as large or as long.
    """
    if purchase is Purchase.CAPACITY_BLOCK:
        return float(block_node_hours(nodes, run.latest, bought))
    return nodes * run.expected


def _next(steps: Sequence[int], amounts: Any) -> Any:
    """The smallest step that holds an amount; inf beyond the last."""
    import numpy as np

    return np.append(np.array(steps, dtype=float), np.inf)[np.searchsorted(steps, amounts)]
