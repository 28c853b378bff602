"""From which minute of the day on must how many nodes run, so that those of each hour are ready when it begins?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.built import Floor
from pricing.units import HOUR_S, MINUTE_S

HOUR_MIN = HOUR_S // MINUTE_S


def floors(nodes_by_hour: Sequence[int], ready_s: float | None) -> tuple[Floor, ...]:
    """The least nodes through a day, each hour's ordered so long ahead as a node takes until it answers.

    One floor where they never change, none where there are no hours. Where nobody knows how long a node takes, an
    hour is allowed; nothing is ordered more than a day ahead.
    """
    if not nodes_by_hour:
        return ()
    day = HOUR_MIN * len(nodes_by_hour)
    lead = min(math.ceil((HOUR_S if ready_s is None else ready_s) / MINUTE_S), day - HOUR_MIN)

    def needed(minute: int) -> int:
        """The most of all hours that have begun, or begin within the lead."""
        last = minute + lead
        return max(nodes_by_hour[hour % len(nodes_by_hour)] for hour in range(minute // HOUR_MIN, last // HOUR_MIN + 1))

    starts = range(0, day, HOUR_MIN)
    moments = sorted({*starts, *((start - lead) % day for start in starts)})
    found = [Floor(minute=moment, nodes=needed(moment)) for moment in moments]
    changes = [each for before, each in zip(found[-1:] + found, found, strict=False) if before.nodes != each.nodes]
    return tuple(changes or found[:1])
