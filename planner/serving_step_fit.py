"""Which factors of a serving step do measured runs ask for?

A factor is what all engines have in common, times an engine's own, times a generation of accelerators' own (of shares
the odds); planner/data/engines/factors.yaml says what each usually is and how far engines and generations differ.
These differences are drawn towards none as strongly, so that a few rows move little and many move much. Least absolute
deviations of logarithms by weighted Gauss-Newton steps; groups of rows count alike, whatever their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.calibration import Calibration, StepFactors
from planner.engines import engine_files, factor_ranges, generation_of
from planner.serving_answers import Floats, Stack
from planner.serving_runs import ServingRun

NAMES = StepFactors.__struct_fields__
KINDS = ("tpot", "ttft", "throughput")
_COLUMNS = {"tpot": ("tpot_ms", 1e-3), "ttft": ("ttft_ms", 1e-3), "throughput": ("output_tokens_per_s", 1.0)}
# What all have in common lies this far from the usual value (deviation of the logarithm).
COMMON = 0.7
# A time to the first token tells half as much: queues and the client's own way are in it.
WEIGHTS = {"tpot": 1.0, "ttft": 0.5, "throughput": 1.0}
# Deviation of one figure from what good factors say, and the residual below which rows are taken as equally good.
NOISE, FLAT = 0.15, 0.03
# A mean of absolute values as a weighted sum of squares: around the usual residual both weigh alike.
USUAL = 0.12
LARGEST_STEP, SMALLEST_TRY, DIFFERENCE = 0.7, 0.02, 1e-3


class Judged(Struct, frozen=True, kw_only=True):
    """Figures that rows are judged by: the run's place, the kind, and the logarithm of what was measured as a time."""

    at: NDArray[np.int64]
    kinds: tuple[str, ...]
    measured: Floats
    weights: Floats


def judged_figures(runs: Sequence[ServingRun], kinds_of: Mapping[str, Sequence[str]]) -> Judged:
    """What runs are judged for; `kinds_of` by row id. Each kind and group counts alike."""
    items = [
        (index, kind)
        for kind in KINDS
        for index, run in enumerate(runs)
        if kind in kinds_of[run.row.id] and _COLUMNS[kind][0] in run.row.numbers
    ]
    groups = [(kind, runs[index].group) for index, kind in items]
    sizes: dict[object, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    weights = np.array([WEIGHTS[kind] / sizes[kind, group] for kind, group in groups])
    return Judged(
        at=np.array([index for index, _ in items]),
        kinds=tuple(kind for _, kind in items),
        measured=np.array([_log_time(runs[index], kind) for index, kind in items]),
        weights=weights / weights.mean(),
    )


def _log_time(run: ServingRun, kind: str) -> float:
    column, unit = _COLUMNS[kind]
    value = float(np.log(run.row.numbers[column] * unit))
    return -value if kind == "throughput" else value


class Fit:
    """Runs, what they are judged by, and how the factors of each are made of parameters."""

    def __init__(self, runs: Sequence[ServingRun], judged: Judged, calibration: Calibration) -> None:
        self.judged = judged
        self.stack = Stack(runs, calibration)
        engines = [run.engine for run in runs]
        makes = [generation_of(run.machine.accelerator.name) for run in runs]
        self.owners: list[tuple[str, str]] = []
        masks, widths = [], []
        for name in NAMES:
            known = factor_ranges()[name]
            parts = [("", np.ones(len(runs)), COMMON)]
            parts += [
                (part, np.array([part == each for each in of], dtype=float), known[level])
                for level, of in (("engine", engines), ("generation", makes))
                if level in known
                for part in sorted(set(of))
            ]
            self.owners += [(name, part) for part, _, _ in parts]
            masks += [mask for _, mask, _ in parts]
            widths += [width for _, _, width in parts]
        self.masks = np.stack(masks, axis=1)
        self.widths = np.array(widths)
        self.columns = {
            name: np.array([at for at, (owner, _) in enumerate(self.owners) if owner == name]) for name in NAMES
        }
        self.starts = {name: np.array([_inner(name, usual(engine, name)) for engine in engines]) for name in NAMES}

    def values(self, theta: Floats) -> dict[str, Floats]:
        """Inner values of each factor by run."""
        return {
            name: self.starts[name] + self.masks[:, self.columns[name]] @ theta[self.columns[name]] for name in NAMES
        }

    def residuals(self, values: Mapping[str, Floats]) -> Floats:
        """Logarithms of predicted over measured times."""
        found = self.stack.figures({name: outer(name, inner) for name, inner in values.items()})
        times = {"tpot": found.tpot_s, "ttft": found.ttft_s, "throughput": 1 / found.tokens_per_s}
        kinds = np.array(self.judged.kinds)
        predicted = np.select([kinds == kind for kind in KINDS], [times[kind][self.judged.at] for kind in KINDS])
        return np.asarray(np.log(predicted) - self.judged.measured)

    def solve(self, theta: Floats, train: Floats, steps: int) -> Floats:
        """The parameters after so many steps on the figures that `train` weighs."""
        weights = self.judged.weights * train
        for _ in range(steps):
            values = self.values(theta)
            found = self.residuals(values)
            step = self._step(theta, found, self._slopes(values, found), weights)
            moved = self._tried(theta, np.clip(step, -LARGEST_STEP, LARGEST_STEP), weights)
            if moved is None:
                break
            theta = moved
        return theta

    def tangent(self, theta: Floats) -> tuple[Floats, Floats]:
        """Residuals at these parameters, and their slopes."""
        values = self.values(theta)
        found = self.residuals(values)
        return found, self._slopes(values, found)

    def nearby(self, theta: Floats, tangent: tuple[Floats, Floats], train: Floats, steps: int) -> Floats:
        """As `solve`, as if residuals were as straight as their tangent at `theta`: for parameters close by."""
        found, slopes = tangent
        weights = self.judged.weights * train
        moved = theta
        for _ in range(steps):
            now = found + slopes @ (moved - theta)
            step = self._step(moved, now, slopes, weights)
            moved = theta + np.clip(moved + step - theta, -LARGEST_STEP, LARGEST_STEP)
        return moved

    def _step(self, theta: Floats, found: Floats, slopes: Floats, weights: Floats) -> Floats:
        """A Gauss-Newton step of weighted squares that stand for absolute values."""
        pull = weights / np.maximum(np.abs(found), FLAT) * USUAL / NOISE**2
        matrix = (slopes * pull[:, None]).T @ slopes + np.diag(1 / self.widths**2)
        return np.asarray(np.linalg.solve(matrix, -(slopes * pull[:, None]).T @ found - theta / self.widths**2))

    def _slopes(self, values: Mapping[str, Floats], found: Floats) -> Floats:
        slopes = np.zeros((len(found), len(self.owners)))
        for name in NAMES:
            other = {**values, name: values[name] + DIFFERENCE}
            by_run = (self.residuals(other) - found) / DIFFERENCE
            slopes[:, self.columns[name]] = by_run[:, None] * self.masks[self.judged.at][:, self.columns[name]]
        return slopes

    def _tried(self, theta: Floats, step: Floats, weights: Floats) -> Floats | None:
        """A part of the step that makes things better; None where none does."""
        before, part = self._cost(theta, weights), 1.0
        while part > SMALLEST_TRY:
            if self._cost(theta + part * step, weights) < before:
                return theta + part * step
            part /= 2
        return None

    def _cost(self, theta: Floats, weights: Floats) -> float:
        misses = np.abs(self.residuals(self.values(theta)))
        return float((weights * misses).sum() * 2 * USUAL / NOISE**2 + (theta**2 / self.widths**2).sum())


def usual(engine: str, name: str) -> float:
    """What a factor usually is: on an engine that says so itself (one without graphs), or on all."""
    known = engine_files().get(engine, {}).get("usual", {})
    return float(known.get(name, factor_ranges()[name]["usual"]))


def outer(name: str, inner: Floats | float) -> Floats:
    """A factor from its inner value: shares from their odds, others from their logarithm, within its range."""
    known = factor_ranges()[name]
    value = 1 / (1 + np.exp(-np.asarray(inner))) if _is_share(name) else np.exp(inner)
    return np.clip(value, known["low"], known["high"])


def _inner(name: str, value: float) -> float:
    return float(np.log(value / (1 - value)) if _is_share(name) else np.log(value))


def _is_share(name: str) -> bool:
    return bool(factor_ranges()[name]["high"] < 1) and not name.endswith("_s")
