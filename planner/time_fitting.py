"""Which factors bring predicted step times closest to measured ones?

The effects of planner.time_effects, drawn towards none by their priors, so that few rows move them little, and what was
never measured keeps what is known of its like. Errors count as logarithms, far outliers linearly (Huber 1964).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.calibration import TimeFactors
from planner.described import accelerator_called, machine_of
from planner.measured_training import TrainingCase
from planner.setting import RATED_AS
from planner.time_effects import PRIORS, Effect, Pair, effects_of, factors_of, kind_of, pair_of
from planner.training_time import step_time
from planner.work import model_flop
from pricing.instance_type import InstanceType

Floats = NDArray[np.float64]
# Deviation of a well predicted run's logarithm, and the deviations from which an error counts linearly.
SCATTER, LINEAR_FROM = 0.06, 1.5
# Sources with many rows do not count by their number alone, nor each source alike.
CROWDING = 0.4
ITERATIONS, TRIALS, DAMPING = 25, 6, 1e-3
# A step that gains less than this share of the cost is the last.
ENOUGH = 1e-3
STRIDE = 1e-3


class TimedRun(Struct, frozen=True, kw_only=True):
    """A measured run, the machine that stands for its nodes, and its group: class of software and accelerator."""

    case: TrainingCase
    machine: InstanceType
    tokens: int
    devices: float

    @property
    def group(self) -> tuple[str, str]:
        """Class of software and accelerator, which decide the factors."""
        return self.case.speed, self.case.row.says("accelerator")

    @property
    def pair(self) -> Pair:
        """Class of software and generation of accelerator."""
        return pair_of(*self.group)

    @property
    def source(self) -> str:
        """Who published the run."""
        return self.case.row.says("source")

    @property
    def measured(self) -> float:
        """Tokens a second and accelerator."""
        return self.case.row.numbers["tokens_per_s_per_accelerator"]

    @property
    def utilization(self) -> float:
        """Share of the peak that the model's own FLOP took (MFU), what a causal mask leaves out not counted; 0 where
        no source states the peak."""
        case, dtype = self.case, self.case.recipe.compute_dtype
        frozen, trained = case.recipe.adapter is not None, case.recipe.trained_share
        flop = model_flop(case.shape, case.row.count("seq_len"), frozen=frozen, trained=trained)
        peak = accelerator_called(self.group[1]).flop_per_s.get(RATED_AS.get(dtype, dtype))
        return flop * self.measured / peak if peak else 0.0

    def predicted(self, factors: TimeFactors) -> Any:
        """Predicted tokens a second and accelerator."""
        case = self.case
        step = step_time(case.shape, case.recipe, case.layout, case.sequence_tokens, self.machine, factors)
        return self.tokens / step.total / self.devices


def measured_pairs(runs: Sequence[TimedRun]) -> dict[Pair, float]:
    """The pairs of software and generation that have runs, and the greatest utilization of each."""
    found: dict[Pair, float] = {}
    for run in runs:
        found[run.pair] = max(found.get(run.pair, 0.0), run.utilization)
    return found


def timed_run(case: TrainingCase) -> TimedRun:
    """The run with the machine that stands for its nodes. Raises PlannerError for an unknown accelerator."""
    row = case.row
    chip = accelerator_called(row.says("accelerator"))
    per_node = row.count("accelerators_per_node") or min(8, row.count("accelerators", 1))
    return TimedRun(
        case=case,
        machine=_machine(chip.name, min(per_node, row.count("accelerators", 1))),
        tokens=case.layout.global_batch * row.count("seq_len"),
        devices=case.layout.devices / chip.ranks,
    )


@cache
def _machine(chip: str, accelerators: int) -> InstanceType:
    return machine_of(accelerator_called(chip), accelerators)


def fit_time(runs: Sequence[TimedRun]) -> dict[Effect, float]:
    """The effects that the runs ask for, by damped Gauss-Newton steps on robust squares, the priors as further rows."""
    names = sorted({each for run in runs for name in PRIORS for each in effects_of(name, *run.group)})
    problem = _Problem(runs=runs, names=names)
    found, damping = np.zeros(len(names)), DAMPING
    errors, slopes = problem.errors(found)
    cost = problem.cost(errors, found)
    for _ in range(ITERATIONS):
        normal, gradient = problem.normal(errors, slopes, found)
        for _ in range(TRIALS):
            tried = found - np.linalg.solve(normal + damping * np.diag(np.diag(normal)), gradient)
            tried_errors, tried_slopes = problem.errors(tried)
            reached = problem.cost(tried_errors, tried)
            if reached <= cost:
                break
            damping *= 10
        else:
            break
        gained, cost, damping = cost - reached, reached, damping / 10
        found, errors, slopes = tried, tried_errors, tried_slopes
        if gained < ENOUGH * cost:
            break
    return dict(zip(names, found.tolist(), strict=True))


class _Problem:
    """The squares of a fit: weights of runs, spreads of priors, and errors with their slopes."""

    def __init__(self, runs: Sequence[TimedRun], names: Sequence[Effect]) -> None:
        self.runs, self.names = runs, names
        self.place = {each: index for index, each in enumerate(names)}
        self.spread = np.array([PRIORS[factor].spread[kind_of(level)] for factor, level in names])
        sources = [run.source for run in runs]
        counts = {source: sources.count(source) for source in set(sources)}
        weights = np.array([counts[source] ** -CROWDING for source in sources])
        self.weights: Floats = np.asarray(weights / weights.mean())

    def cost(self, errors: Floats, found: Floats) -> float:
        """Robust squares of the errors, and squares of the effects over their spreads."""
        scaled = np.abs(errors) / SCATTER
        huber = np.where(scaled <= LINEAR_FROM, scaled**2, 2 * LINEAR_FROM * scaled - LINEAR_FROM**2)
        return float(np.sum(self.weights * huber) + np.sum((found / self.spread) ** 2))

    def normal(self, errors: Floats, slopes: Floats, found: Floats) -> tuple[Floats, Floats]:
        """The normal matrix and the gradient at what was found; far errors weigh by their distance."""
        robust = self.weights * np.minimum(1.0, LINEAR_FROM * SCATTER / np.maximum(np.abs(errors), 1e-12))
        weighted = slopes.T * (robust / SCATTER**2)
        normal = weighted @ slopes + np.diag(1 / self.spread**2)
        return np.asarray(normal), np.asarray(weighted @ errors + found / self.spread**2)

    def errors(self, found: Floats) -> tuple[Floats, Floats]:
        """Logarithms of predicted over measured, and their slopes by every effect, one evaluation a run."""
        errors, slopes = np.zeros(len(self.runs)), np.zeros((len(self.runs), len(self.names)))
        known: dict[tuple[str, str], tuple[list[int], TimeFactors]] = {}
        for index, run in enumerate(self.runs):
            if run.group not in known:
                known[run.group] = self._moved(run.group, found)
            own, factors = known[run.group]
            logs = np.log(np.broadcast_to(run.predicted(factors), len(own) + 1) / run.measured)
            errors[index] = logs[0]
            slopes[index, own] = (logs[1:] - logs[0]) / STRIDE
        return errors, slopes

    def _moved(self, group: tuple[str, str], found: Floats) -> tuple[list[int], TimeFactors]:
        """The effects of a group, and its factors: as found, then with each of the effects a little larger."""
        own = sorted({self.place[each] for name in PRIORS for each in effects_of(name, *group)})
        moved = {self.names[column]: np.full(len(own) + 1, found[column]) for column in own}
        for row, column in enumerate(own):
            moved[self.names[column]][row + 1] += STRIDE
        return own, factors_of(*group, moved)
