"""How far does one configuration's speed scatter when it is measured again, and how well could any model rank then?

Publishers measure some configurations more than once: other days, other releases, other nodes. What scatters between
those no prediction can follow.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from planner.sweeps import spearman
from planner.time_crossval import HeldOutRun
from planner.time_fitting import TimedRun
from pricing.records import replace

# The mean of so many correlations is sure to half a hundredth.
DRAWS = 2000


class Scatter(Struct, frozen=True, kw_only=True):
    """Deviation of logarithms, and the measurements beyond each configuration's first that it is pooled over."""

    deviation: float
    freedom: int


def scatter_by_source(held: Sequence[HeldOutRun]) -> Mapping[str, Scatter]:
    """How far the logarithms of repeated measurements scatter, pooled over a source's configurations.

    Equal figures count once: they are one measurement that was published twice. A source without repeats is absent.
    """
    speeds: dict[tuple[str, Hashable], set[float]] = {}
    for item in held:
        speeds.setdefault((item.run.source, _configuration(item.run)), set()).add(item.run.measured)
    squares: dict[str, float] = {}
    freedom: dict[str, int] = {}
    for (source, _), found in speeds.items():
        if len(found) > 1:
            squares[source] = squares.get(source, 0.0) + len(found) * float(np.var(np.log(list(found))))
            freedom[source] = freedom.get(source, 0) + len(found) - 1
    return {
        source: Scatter(deviation=float(np.sqrt(squares[source] / freedom[source])), freedom=freedom[source])
        for source in squares
    }


def best_rank_correlation(measured: Sequence[float], scatter: float) -> float:
    """The rank correlation to expect of a model without error, where what it is compared with scatters as much.

    By drawing: what was measured, measured once more. An estimate: what was measured stands for what is true, and
    spreads wider than that by its own scatter; layouts that were measured several times scatter less.
    """
    again = np.log(measured) + np.random.default_rng(0).normal(0.0, scatter, (DRAWS, len(measured)))
    return float(np.mean([spearman(measured, each.tolist()) for each in again]))


def _configuration(run: TimedRun) -> Hashable:
    """All that a row tells of a run beside its speed."""
    case, count = run.case, run.case.row.count("accelerators")
    return replace(case.shape, notes=()), case.recipe, case.layout, case.sequence_tokens, run.group, count
