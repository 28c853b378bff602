"""How far are fitted serving times from runs that the fit has not seen?

Each group of a source, a model's shape and an accelerator is judged by factors that were fitted to all other groups;
scores are means of groups' means, so that a sweep of many rows counts once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.serving_answers import Floats
from planner.serving_runs import ServingRun
from planner.serving_step_fit import Fit

# Steps of a fit that starts from the factors of all rows, which one group moves little: along the tangent, then exact.
STRAIGHT_STEPS, EXACT_STEPS = 3, 2
# Up to so many clients a time to the first token is a prompt's own, above it is mostly waiting.
UNLOADED = 4


class Score(Struct, frozen=True, kw_only=True):
    """Mean of groups' mean errors, median of all rows' errors, rows and groups. Errors are relative to the measured."""

    mean: float
    median: float
    rows: int
    groups: int


def held_out(fit: Fit, theta: Floats, runs: Sequence[ServingRun]) -> Floats:
    """Logarithms of predicted over measured times, each by factors that were fitted without its group."""
    groups = [runs[at].group for at in fit.judged.at]
    known = list(dict.fromkeys(groups))
    number = np.array([known.index(group) for group in groups])
    tangent = fit.tangent(theta)
    found = np.zeros(len(groups))
    for each in range(len(known)):
        left_out = number == each
        train = (~left_out).astype(float)
        other = fit.solve(fit.nearby(theta, tangent, train, STRAIGHT_STEPS), train, EXACT_STEPS)
        found[left_out] = fit.residuals(fit.values(other))[left_out]
    return found


def errors(fit: Fit, residuals: Floats) -> Floats:
    """Relative errors: of times as they are, of rates turned over."""
    rates = np.array([kind == "throughput" for kind in fit.judged.kinds])
    return np.asarray(np.abs(np.exp(np.where(rates, -residuals, residuals)) - 1))


def score(found: Floats, groups: Sequence[Hashable], chosen: NDArray[np.bool_]) -> Score:
    """The score of the chosen errors."""
    means: dict[Hashable, list[float]] = {}
    for at in np.flatnonzero(chosen):
        means.setdefault(groups[int(at)], []).append(float(found[at]))
    return Score(
        mean=float(np.mean([np.mean(each) for each in means.values()])),
        median=float(np.median(found[chosen])),
        rows=int(chosen.sum()),
        groups=len(means),
    )


def kinds_of_score(fit: Fit, runs: Sequence[ServingRun]) -> dict[str, NDArray[np.bool_]]:
    """Which figures each line of the score counts."""
    kinds = np.array(fit.judged.kinds)
    clients = np.array([runs[at].clients for at in fit.judged.at])
    return {
        "tpot": kinds == "tpot",
        "throughput": kinds == "throughput",
        f"ttft, up to {UNLOADED} clients": (kinds == "ttft") & (clients <= UNLOADED),
        "ttft under load": (kinds == "ttft") & (clients > UNLOADED),
    }
