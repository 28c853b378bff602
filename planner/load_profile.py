"""In which hours of the day do the requests of a trace come?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from planner.errors import TraceError
from planner.fleet_fields import HOURS
from planner.trace import read_trace
from pricing.units import HOUR_S, show_rate, show_requests


def traced_profile(path: Path, requests_per_s: float, longest_tokens: int, model: str) -> tuple[float, ...]:
    """Each hour's mean rate as a share of the planned one, midnight first: a trace starts at midnight.

    Of several days each hour counts with the busiest of them. Raises TraceError for a trace that cannot be right, is
    shorter than a day, or busier than what is planned.
    """
    requests = read_trace(path, longest_tokens=longest_tokens, why_longest=f"for which {model} was made")
    hours = np.bincount((requests.at_s // HOUR_S).astype(np.int64))
    # The last hour may be cut short, and is not counted unless it is the day's last.
    whole = int((requests.at_s[-1] + HOUR_S / 2) // HOUR_S)
    if whole < HOURS:
        raise TraceError(
            f"{path}: {requests.at_s[-1] / HOUR_S:,.1f} hours are less than a day, whose every hour a profile has; "
            "record a whole day, or write its 24 shares down in inference.fleet.profile"
        )
    rates = [float(hours[hour:whole:HOURS].max()) / HOUR_S for hour in range(HOURS)]
    if max(rates) > requests_per_s:
        busiest = int(np.argmax(rates))
        raise TraceError(
            f"{path}: the hour from {busiest}:00 on has {show_requests(max(rates))}, more than the "
            f"{show_rate(requests_per_s)} planned; raise inference.requests_per_second to the busiest hour"
        )
    return tuple(round(rate / requests_per_s, 6) for rate in rates)
