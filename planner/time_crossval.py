"""How far off are predicted speeds of runs that the fit has not seen?

Rows are left out in five folds, those with the same configuration together, source by source, or by pairs of software
and generation of accelerators.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from msgspec import Struct

from planner.crossval import TRAINING, folds
from planner.time_effects import Effect, factors_of, inferred_factors
from planner.time_fitting import TimedRun, fit_time, measured_pairs


class HeldOutRun(Struct, frozen=True, kw_only=True):
    """A run that was left out, and what was predicted for it, in tokens a second and accelerator."""

    run: TimedRun
    predicted: float

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / self.run.measured - 1


def predictions(runs: Sequence[TimedRun], effects: Mapping[Effect, float]) -> list[HeldOutRun]:
    """What the effects predict for each run."""
    factors = {group: factors_of(*group, effects) for group in {run.group for run in runs}}
    return [HeldOutRun(run=run, predicted=float(run.predicted(factors[run.group]))) for run in runs]


def leave_runs_out(runs: Sequence[TimedRun], part: Callable[[TimedRun], Hashable]) -> list[HeldOutRun]:
    """Predictions for every run by effects fitted to the runs of all other parts."""
    found = []
    for each in sorted({part(run) for run in runs}, key=str):
        effects = fit_time([run for run in runs if part(run) != each])
        found += predictions([run for run in runs if part(run) == each], effects)
    return found


def leave_pairs_out(runs: Sequence[TimedRun]) -> list[HeldOutRun]:
    """Predictions for every run by effects fitted without its class of software on its generation of accelerators."""
    found = []
    for each in sorted({run.pair for run in runs}):
        others = [run for run in runs if run.pair != each]
        effects, measured = fit_time(others), measured_pairs(others)
        for run in runs:
            if run.pair == each:
                factors = inferred_factors(*run.group, effects, measured)
                found.append(HeldOutRun(run=run, predicted=float(run.predicted(factors))))
    return found


def time_folds(runs: Sequence[TimedRun]) -> Callable[[TimedRun], int]:
    """Assigns every run to one of five folds, the same configuration to the same fold."""
    part = folds([run.case for run in runs], TRAINING)
    return lambda run: part(run.case)
