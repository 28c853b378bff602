"""Which factors bring predicted step times closest to measured ones?

The effects of planner.time_effects, drawn towards none by their priors, so that few rows move them little, and what was
never measured keeps what is known of its like. Errors count as logarithms, far outliers linearly (Huber 1964).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.calibration import TimeFactors
from planner.described import accelerator_called, machine_of
from planner.measured_training import TrainingCase
from planner.time_effects import PRIORS, Effect, effects_of, factors_of
from planner.training_time import step_time
from pricing.instance_type import InstanceType

Floats = NDArray[np.float64]
# Deviation of a well predicted run's logarithm, and the deviations from which an error counts linearly.
SCATTER, LINEAR_FROM = 0.06, 1.5
# Sources with many rows do not count by their number alone, nor each source alike.
CROWDING = 0.4
ITERATIONS = 25
STRIDE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRun:
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
    def source(self) -> str:
        """Who published the run."""
        return self.case.row.says("source")

    @property
    def measured(self) -> float:
        """Tokens a second and accelerator."""
        return self.case.row.numbers["tokens_per_s_per_accelerator"]

    def predicted(self, factors: TimeFactors) -> Any:
        """Predicted tokens a second and accelerator."""
        case = self.case
        step = step_time(case.shape, case.recipe, case.layout, case.sequence_tokens, self.machine, factors)
        return self.tokens / step.total / self.devices


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
    """The effects that the runs ask for, by Gauss-Newton steps on robust squares with the priors as further rows."""
    names = sorted({each for run in runs for name in PRIORS for each in effects_of(name, *run.group)})
    place = {each: index for index, each in enumerate(names)}
    spread = np.array([PRIORS[factor].spread[_kind(level)] for factor, level in names])
    weights = _weights(runs)
    found = np.zeros(len(names))
    cost, damping = np.inf, 1e-3
    errors, slopes = _errors(runs, names, place, found)
    for _ in range(ITERATIONS):
        scaled = errors / SCATTER
        robust = weights * np.minimum(1.0, LINEAR_FROM / np.maximum(np.abs(scaled), 1e-12))
        normal = (slopes.T * robust) @ slopes / SCATTER**2 + np.diag(1 / spread**2)
        gradient = slopes.T @ (robust * errors) / SCATTER**2 + found / spread**2
        cost = _cost(errors, weights, found, spread)
        for _ in range(8):
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), gradient)
            tried = found - step
            tried_errors, tried_slopes = _errors(runs, names, place, tried)
            if _cost(tried_errors, weights, tried, spread) <= cost:
                break
            damping *= 5
        else:
            break
        damping = max(damping / 5, 1e-6)
        gained = cost - _cost(tried_errors, weights, tried, spread)
        found, errors, slopes = tried, tried_errors, tried_slopes
        if gained < 1e-4 * cost:
            break
    return dict(zip(names, found.tolist(), strict=True))


def _kind(level: str) -> str:
    """The kind of a level by its name."""
    if " on " in level:
        return "both"
    return level.partition(" ")[0]


def _weights(runs: Sequence[TimedRun]) -> Floats:
    sources = [run.source for run in runs]
    counts = {source: sources.count(source) for source in set(sources)}
    weights = np.array([counts[source] ** -CROWDING for source in sources])
    return np.asarray(weights / weights.mean())


def _cost(errors: Floats, weights: Floats, found: Floats, spread: Floats) -> float:
    scaled = np.abs(errors) / SCATTER
    huber = np.where(scaled <= LINEAR_FROM, scaled**2, 2 * LINEAR_FROM * scaled - LINEAR_FROM**2)
    return float(np.sum(weights * huber) + np.sum((found / spread) ** 2))


def _errors(
    runs: Sequence[TimedRun], names: Sequence[Effect], place: Mapping[Effect, int], found: Floats
) -> tuple[Floats, Floats]:
    """Logarithms of predicted over measured, and their slopes by every effect, one evaluation a run."""
    errors, slopes = np.zeros(len(runs)), np.zeros((len(runs), len(names)))
    known: dict[tuple[str, str], tuple[list[int], TimeFactors]] = {}
    for index, run in enumerate(runs):
        if run.group not in known:
            own = sorted({place[each] for name in PRIORS for each in effects_of(name, *run.group)})
            moved = {names[column]: np.full(len(own) + 1, found[column]) for column in own}
            for row, column in enumerate(own):
                moved[names[column]][row + 1] += STRIDE
            known[run.group] = own, factors_of(*run.group, moved)
        own, factors = known[run.group]
        logs = np.log(np.broadcast_to(run.predicted(factors), len(own) + 1) / run.measured)
        errors[index] = logs[0]
        slopes[index, own] = (logs[1:] - logs[0]) / STRIDE
    return errors, slopes
