"""Which factors bring predictions closest to the measured memory of programs that answer?

As for training (planner.fitting): three factors a program, each with a plausible range, and a program with few rows is
drawn towards the factors of all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from planner.calibration import EagerFactors
from planner.fitting import Range, descend, pull
from planner.measured_serving import ServingCase
from pricing.units import GIB, MIB

SERVED: Mapping[str, Range] = {
    # cuBLAS work spaces of a few MiB (32 MiB on Hopper), rotary tables, masks.
    "workspace_bytes": Range(low=0.0, high=0.5 * GIB, step=MIB),
    # Fused query, key and value matrices made of three that stay: about a tenth of a block.
    "copied_share": Range(low=0.0, high=0.25, step=0.005),
    # Of a prompt's rows, counted as if all of a block's stood at once: some are let go before the last is made, and
    # kernels have buffers of their own.
    "row_share": Range(low=0.5, high=1.2, step=0.005),
}


def served_bytes(case: ServingCase, factors: EagerFactors) -> float:
    """Predicted memory over all devices of a measured run."""
    return case.memory(factors).total


def measured_bytes(case: ServingCase) -> float:
    """Measured memory of a run."""
    return case.row.numbers["peak_memory_gib"] * GIB


def mean_error(cases: Sequence[ServingCase], factors: EagerFactors) -> float:
    """Mean absolute error relative to what was measured."""
    return float(np.mean([abs(served_bytes(case, factors) / measured_bytes(case) - 1) for case in cases]))


def fit_program(cases: Sequence[ServingCase], start: EagerFactors) -> EagerFactors:
    """The factors of one program that its rows ask for, drawn towards `start`."""

    def cost(factors: EagerFactors) -> float:
        return mean_error(cases, factors) + pull(factors, start, SERVED, len(cases))

    return descend(cost, start, SERVED)


def fit_serving(cases: Sequence[ServingCase], start: EagerFactors) -> dict[str, EagerFactors]:
    """Factors by program, those that suit all of them under the empty name, each program counted once."""
    groups: dict[str, list[ServingCase]] = {}
    for case in cases:
        groups.setdefault(case.program.name, []).append(case)

    def cost(factors: EagerFactors) -> float:
        return float(np.mean([mean_error(group, factors) for group in groups.values()]))

    shared = descend(cost, start, SERVED)
    return {"": shared} | {name: fit_program(group, shared) for name, group in groups.items()}
