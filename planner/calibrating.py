"""Which factors do one's own measured runs ask for?

Memory: slack, work space and what varied lengths cost, by class of software. Time: the share of the peak that matrix
products reach, by framework and accelerator, all types scaled alike. Serving runs are planner.calibrating_serving's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from planner.calibrating_serving import banded, plain, serving_figures
from planner.calibration import Calibration, TimeFactors
from planner.described import accelerator_called
from planner.errors import MeasuredError, PlannerError
from planner.fitting import FITTED, fit_class, measured_bytes, predicted_bytes
from planner.measured import FIGURES, Measured
from planner.measured_answers import training_tokens_per_s
from planner.measured_training import TrainingCase, training_case
from planner.recipe import Job
from planner.row_faults import row_faults
from planner.row_words import check_words
from pricing.errors import BerthError
from pricing.records import replace

# Shares of a peak that are tried: a product reaches a tenth of it to nearly all.
SCALES = np.arange(0.2, 2.05, 0.05)
LARGEST_SHARE = 0.95


def fitted_figures(measured: Measured, calibration: Calibration, where: str) -> dict[str, Any]:
    """The factors as a calibration file holds them. Raises MeasuredError where no row says anything of them, and with
    every fault that the file's rows have."""
    faults = row_faults(measured, where)
    if faults:
        raise MeasuredError(faults)
    fit = _training if measured.job is Job.TRAINING else serving_figures
    found, reasons = fit(measured, calibration, where)
    if not found:
        raise MeasuredError([f"{where}: no row has a measured figure and all that a prediction needs", *reasons])
    return found


def _training(measured: Measured, calibration: Calibration, where: str) -> tuple[dict[str, Any], list[str]]:
    """The factors that training rows ask for, and why rows say nothing of any."""
    cases = []
    reasons = []
    for row in measured.rows:
        if not measured.kinds_of(row):
            continue
        try:
            check_words(row, measured.job)
            cases.append(training_case(row))
        except PlannerError as error:
            reasons += [f"{where}:{row.line}: {finding}" for finding in error.findings]
    found: dict[str, Any] = {}
    judged = {kind: [case for case in cases if kind in measured.kinds_of(case.row)] for kind in FIGURES[Job.TRAINING]}
    if memory := _memory(judged["memory"], calibration, where):
        found["memory"] = memory
    if time := _time(judged["throughput"], calibration, where):
        found["time"] = time
    return found, reasons


def _memory(cases: Sequence[TrainingCase], calibration: Calibration, where: str) -> dict[str, Any]:
    groups: dict[tuple[str, str], list[TrainingCase]] = {}
    for case in cases:
        groups.setdefault((_vendor(case, calibration), case.framework.software.name), []).append(case)
    found = {}
    for (vendor, software), group in groups.items():
        factors = fit_class(group, calibration.memory_factors(vendor, software))
        ratios = [measured_bytes(case) / predicted_bytes(case, factors) for case in group]
        found[f"{vendor}/{software}"] = {
            **{name: plain(name, getattr(factors, name)) for name in FITTED},
            "band": banded(ratios, f"{len(group)} runs of {where}"),
            "source": where,
        }
    return found


def _time(cases: Sequence[TrainingCase], calibration: Calibration, where: str) -> dict[str, Any]:
    groups: dict[tuple[str, str], list[TrainingCase]] = {}
    for case in cases:
        groups.setdefault((case.speed, case.row.says("accelerator")), []).append(case)
    found: dict[str, Any] = {}
    for (framework, accelerator), group in groups.items():
        known = calibration.time_factors(framework, accelerator)
        tried = [_scaled(known, float(scale)) for scale in SCALES]
        errors = [_ratios(group, calibration, framework, accelerator, factors) for factors in tried]
        usable = [
            (float(np.mean(np.abs(np.array(ratios) - 1))), index) for index, ratios in enumerate(errors) if ratios
        ]
        if not usable:
            continue
        best = min(usable)[1]
        found.setdefault(framework, {})[accelerator] = {
            "matmul": {name: round(share, 3) for name, share in tried[best].matmul.items()},
            "most_utilization": tried[best].most_utilization,
            # Time lies as far above as the rate lies below.
            "band": banded([1 / ratio for ratio in errors[best]], f"{len(errors[best])} runs of {where}"),
        }
    return found


def _ratios(
    group: Sequence[TrainingCase], calibration: Calibration, framework: str, accelerator: str, factors: TimeFactors
) -> list[float]:
    """Measured over predicted rates under the factors, of the runs that can be predicted."""
    known: Mapping[str, TimeFactors] = {**calibration.time[framework], accelerator: factors}
    changed = replace(calibration, time={**calibration.time, framework: known})
    found = []
    for case in group:
        try:
            predicted = training_tokens_per_s(case, changed)
        except BerthError:
            continue
        found.append(case.row.numbers["tokens_per_s_per_accelerator"] / predicted)
    return found


def _scaled(factors: TimeFactors, scale: float) -> TimeFactors:
    """The factors with all shares of the peak scaled; what was measured needs no bound from other software."""
    matmul = {name: min(share * scale, LARGEST_SHARE) for name, share in factors.matmul.items()}
    return replace(factors, matmul=matmul, most_utilization=1.0)


def _vendor(case: TrainingCase, calibration: Calibration) -> str:
    try:
        vendor = accelerator_called(case.row.says("accelerator")).vendor
    except PlannerError:
        return "NVIDIA"
    return vendor if vendor in calibration.memory else "NVIDIA"
