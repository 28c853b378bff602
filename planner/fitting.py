"""Which factors bring predictions closest to measured memory?

Three factors a class of software, each with a plausible range, fitted to the mean absolute relative error. A class
with few rows is drawn towards the factors of all others: its own rows must outweigh `PULL` rows that say nothing
is different.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct

from planner.calibration import MemoryFactors
from planner.measured_training import TrainingCase
from planner.memory import MemoryNeed, training_memory, worst_stage
from pricing.records import replace
from pricing.units import GIB


class Range(Struct, frozen=True, kw_only=True):
    """Where a factor can lie, and to what it is rounded."""

    low: float
    high: float
    step: float


FITTED: Mapping[str, Range] = {
    # Reserved over allocated memory of steady shapes: nanotron logs 1.02, fsdp_qlora and xtuner 1.12 to 1.24.
    "fragmentation": Range(low=1.0, high=1.3, step=0.005),
    # cuBLAS and attention work spaces (32 MiB each on Hopper), DeepSpeed's buckets (2 x 5e8 elements by default).
    "workspace_bytes": Range(low=0.0, high=5.0 * GIB, step=0.05 * GIB),
    # Reserved over allocated memory where every step has other sizes.
    "varied_lengths": Range(low=1.0, high=3.0, step=0.05),
}
# A class's factors cost as much as the error of so many rows when they are a whole range away from the others'.
PULL = 0.5
# What being a whole range away costs, in mean error, where one row outweighs nothing.
WHOLE_RANGE = 0.1
Factors = TypeVar("Factors")


def kind_bytes(need: MemoryNeed, kind: str) -> float:
    """Bytes of the kind of memory that was measured; nvidia-smi's where the source does not say."""
    known = {"allocated": need.allocated, "reserved": need.reserved}
    return float(known.get(kind, need.total))


def predicted_bytes(case: TrainingCase, factors: MemoryFactors) -> float:
    """Predicted memory of the worst device of a measured run, of the kind that was measured."""
    need = training_memory(case.shape, case.recipe, case.layout, case.sequence_tokens, case.framework, factors)
    return kind_bytes(need[worst_stage(need)], case.kind)


def measured_bytes(case: TrainingCase) -> float:
    """Measured memory of a run."""
    return case.row.numbers["peak_memory_gib"] * case.unit_bytes


def mean_error(cases: Sequence[TrainingCase], factors: MemoryFactors) -> float:
    """Mean absolute error relative to what was measured."""
    return float(np.mean([abs(predicted_bytes(case, factors) / measured_bytes(case) - 1) for case in cases]))


def fit_class(cases: Sequence[TrainingCase], start: MemoryFactors) -> MemoryFactors:
    """The factors of one class of software that its rows ask for, drawn towards `start`."""

    def cost(factors: MemoryFactors) -> float:
        return mean_error(cases, factors) + pull(factors, start, FITTED, len(cases))

    return descend(cost, start, FITTED)


def fit_all(groups: Mapping[str, Sequence[TrainingCase]], start: MemoryFactors) -> MemoryFactors:
    """The factors that suit all classes alike, each class counted once."""

    def cost(factors: MemoryFactors) -> float:
        return float(np.mean([mean_error(group, factors) for group in groups.values()]))

    return descend(cost, start, FITTED)


def fit_memory(cases: Sequence[TrainingCase], start: MemoryFactors) -> dict[str, MemoryFactors]:
    """Factors by class of software, those that suit all of them under the empty name."""
    groups: dict[str, list[TrainingCase]] = {}
    for case in cases:
        groups.setdefault(case.framework.software.name, []).append(case)
    shared = fit_all(groups, start)
    return {"": shared} | {name: fit_class(group, shared) for name, group in groups.items()}


def pull(factors: Any, start: Any, ranges: Mapping[str, Range], rows: int) -> float:
    """What it costs that factors are away from `start`: little where many rows ask for it."""
    away = sum(abs(_place(factors, name, known) - _place(start, name, known)) for name, known in ranges.items())
    return PULL / rows * WHOLE_RANGE * away


def _place(factors: Any, name: str, known: Range) -> float:
    """Where a factor lies in its range, from 0 to 1."""
    return (float(getattr(factors, name)) - known.low) / (known.high - known.low)


def descend(cost: Callable[[Factors], float], start: Factors, ranges: Mapping[str, Range]) -> Factors:
    """Pattern search: each factor in turn, in strides that halve down to the step it is rounded to."""
    best, least = start, cost(start)
    stride = 0.25
    while stride > 0.01:
        improved = False
        for name, known in ranges.items():
            for sign in (1, -1):
                moved = getattr(best, name) + sign * stride * (known.high - known.low)
                value = round(min(max(moved, known.low), known.high) / known.step) * known.step
                changes: dict[str, Any] = {name: round(value, 6) if known.step < 1 else int(value)}
                tried = replace(best, **changes)  # type: ignore[type-var]
                reached = cost(tried)
                if reached < least - 1e-6:
                    best, least, improved = tried, reached, True
        stride = stride if improved else stride / 2
    return best
