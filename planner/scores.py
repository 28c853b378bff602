"""How good are predictions, in a few figures?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

# The worst of few runs is not the worst there is: a band reaches a quarter further, and at least these.
WIDER = 1.25
FEW, NARROWEST, NARROWEST_OF_FEW = 20, 0.05, 0.12


class Scores(Struct, frozen=True, kw_only=True):
    """Errors are predicted over measured less one. `mean`, `median` and `p90` are of absolute errors, `bias` is the
    mean with its sign, `within_10` and `within_20` are shares of rows."""

    count: int
    mean: float
    median: float
    bias: float
    p90: float
    within_10: float
    within_20: float


def scores(errors: Sequence[float]) -> Scores:
    """The figures of at least one error."""
    signed = np.asarray(errors, dtype=np.float64)
    absolute = np.abs(signed)
    return Scores(
        count=len(signed),
        mean=float(absolute.mean()),
        median=float(np.median(absolute)),
        bias=float(signed.mean()),
        p90=float(np.quantile(absolute, 0.9)),
        within_10=float((absolute <= 0.10).mean()),
        within_20=float((absolute <= 0.20).mean()),
    )


def reach(ratios: Sequence[float], share: float = 1.0) -> tuple[float, float]:
    """Measured over predicted: the edges of the middle `share` of runs, and beyond them a quarter of their reach.

    Never narrower than 5 %, or 12 % of few runs; rounded outwards to whole percents.
    """
    narrowest = NARROWEST if len(ratios) >= FEW else NARROWEST_OF_FEW
    low, high = np.quantile(ratios, [(1 - share) / 2, (1 + share) / 2])
    low, high = 1 + WIDER * (low - 1), 1 + WIDER * (high - 1)
    return min(math.floor(100 * low) / 100, 1 - narrowest), max(math.ceil(100 * high) / 100, 1 + narrowest)
