"""How far does one configuration's speed scatter when it is measured again, and how well could any model rank then?

Publishers measure some configurations more than once: other days, other releases, other nodes. What scatters between
those no prediction can follow.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from planner.sweeps import spearman
from planner.time_crossval import HeldOutRun
from planner.time_fitting import TimedRun

DRAWS = 2000


def scatter_by_source(held: Sequence[HeldOutRun]) -> Mapping[str, float]:
    """Deviation of the logarithms of repeated measurements, pooled over a source's configurations.

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
    return {source: float(np.sqrt(squares[source] / freedom[source])) for source in squares}


def best_rank_correlation(measured: Sequence[float], scatter: float) -> float:
    """The rank correlation to expect of a model without error, where what it is compared with scatters as much.

    By drawing: what was measured, measured once more.
    """
    again = np.log(measured) + np.random.default_rng(0).normal(0.0, scatter, (DRAWS, len(measured)))
    return float(np.mean([spearman(measured, each.tolist()) for each in again]))


def _configuration(run: TimedRun) -> Hashable:
    """All that a row tells of a run beside its speed."""
    case = run.case
    return case.shape, case.recipe, case.layout, case.sequence_tokens, run.group, case.row.count("accelerators")
