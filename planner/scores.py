"""How good are predictions, in a few figures?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
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
