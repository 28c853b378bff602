"""Which factors do one's own measured serving runs ask for?

Memory of programs without a pool of cache blocks: work space, copies and rows of a prompt, by program. Engines, by
accelerator: what they keep beside weights and cache, from the tokens that fit; and their speed, from time per output
token and throughput, all shares of a peak and what launches, sums and steps cost scaled alike. Time to first token
under load is mostly queueing: it is judged by `berth validate` and not fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from planner.calibration import Calibration, ServingFactors, StepFactors
from planner.described import accelerator_called
from planner.engines import factor_ranges
from planner.measured import Measured, Row
from planner.measured_answers import cache_tokens, output_tokens_per_s, tpot_ms
from planner.measured_serving import ServingCase, serving_case
from planner.row_words import check_words
from planner.scores import reach
from planner.serving_memory_fit import SERVED, fit_program, measured_bytes, served_bytes
from planner.serving_runs import engine_of
from pricing.errors import BerthError
from pricing.records import replace
from pricing.units import GIB

# Reserves that are tried, and speeds over the one that is known.
RESERVES = tuple(int(GIB * quarter / 4) for quarter in range(1, 49))
SPEEDS = tuple(float(speed) for speed in np.geomspace(0.25, 2.5, 24).round(3))
_SHARES = ("memory", "cache", "matmul", "narrow", "attention")
# What is paid whatever is moved or computed.
_BEFORE = ("request_s", "prompt_token_s")
_SECONDS = tuple(name for name in StepFactors.__struct_fields__ if name.endswith("_s") and name not in _BEFORE)
# Measured over predicted, turned over for rates and caches: above 1 the run is slower, or its cache smaller.
_RATIOS: Mapping[str, Callable[[Row, Calibration], float]] = {
    "tpot": lambda row, factors: row.numbers["tpot_ms"] / tpot_ms(row, factors),
    "throughput": lambda row, factors: output_tokens_per_s(row, factors) / row.numbers["output_tokens_per_s"],
    "kv": lambda row, factors: cache_tokens(row, factors) / row.numbers["kv_capacity_tokens"],
}
_TIMED = ("tpot", "throughput")


def serving_figures(measured: Measured, calibration: Calibration, where: str) -> tuple[dict[str, Any], list[str]]:
    """The factors that serving rows ask for, as a calibration file holds them, and why rows say nothing of any."""
    reasons: list[str] = []
    programs: dict[str, list[ServingCase]] = {}
    engines: dict[tuple[str, str], list[tuple[Row, str]]] = {}
    for row in measured.rows:
        for kind in measured.kinds_of(row):
            try:
                check_words(row, measured.job)
                if kind == "memory":
                    case = serving_case(row)
                    programs.setdefault(case.program.name, []).append(case)
                else:
                    chip = accelerator_called(row.says("accelerator"))
                    engines.setdefault((engine_of(row, chip, calibration), chip.name), []).append((row, kind))
            except BerthError as error:
                reasons += [f"{where}:{row.line}: {finding}" for finding in error.findings]
    found: dict[str, Any] = {}
    if programs:
        found["serving_memory"] = {
            name: _program(cases, calibration, where) for name, cases in sorted(programs.items())
        }
    for (engine, chip_name), rows in sorted(engines.items()):
        record, missing = _engine(rows, calibration, engine, chip_name, where)
        reasons += missing
        if record:
            found.setdefault("serving", {}).setdefault(engine, {})[chip_name] = record
    return found, reasons


def banded(ratios: Sequence[float], basis: str) -> dict[str, Any]:
    """The reach of measured over predicted, as a calibration file holds it."""
    low, high = reach(ratios)
    return {"low": max(low, 0.01), "high": high, "basis": basis}


def plain(name: str, value: float) -> float | int:
    """A factor as it is written: bytes whole, others to three digits."""
    return int(value) if name.endswith("_bytes") else round(float(value), 3)


def _program(cases: Sequence[ServingCase], calibration: Calibration, where: str) -> dict[str, Any]:
    factors = fit_program(cases, calibration.eager_factors(cases[0].program.name))
    ratios = [measured_bytes(case) / served_bytes(case, factors) for case in cases]
    figures = {name: getattr(factors, name) for name in SERVED}
    return {
        **{name: plain(name, value) for name, value in figures.items()},
        "band": banded(ratios, f"{len(cases)} runs of {where}"),
        "source": where,
    }


def _engine(
    rows: Sequence[tuple[Row, str]], calibration: Calibration, engine: str, chip: str, where: str
) -> tuple[dict[str, Any], list[str]]:
    """What the rows of one engine on one accelerator ask for: a reserve, a speed, or both."""
    known = calibration.serving_factors(engine, chip)
    record: dict[str, Any] = {}
    reasons: list[str] = []
    of = (calibration, engine, chip)
    caches = [(row, kind) for row, kind in rows if kind == "kv"]
    if caches:
        tried = [replace(known, reserve_bytes=reserve) for reserve in RESERVES]
        _, best, missing = _best(tried, caches, of, where)
        reasons += missing
        record |= {"reserve_bytes": best.reserve_bytes} if best else {}
    timed = [(row, kind) for row, kind in rows if kind in _TIMED]
    if timed:
        ratios, best, missing = _best([_faster(known, speed) for speed in SPEEDS], timed, of, where)
        reasons += missing
        if best:
            record |= {name: round(getattr(best, name), 4) for name in _SHARES}
            record |= {name: float(f"{getattr(best, name):.3g}") for name in _SECONDS}
            record |= {"band": banded(ratios, f"{len(ratios)} figures of {where}")}
    return record, reasons


def _faster(factors: ServingFactors, speed: float) -> ServingFactors:
    """The factors of an engine that is so much faster."""
    shares = {name: getattr(factors, name) * speed for name in _SHARES}
    seconds = {name: getattr(factors, name) / speed for name in _SECONDS}
    ranges = factor_ranges()
    changed: dict[str, Any] = {
        name: float(np.clip(value, ranges[name]["low"], ranges[name]["high"]))
        for name, value in (shares | seconds).items()
    }
    return replace(factors, **changed)


def _best(
    tried: Sequence[ServingFactors], rows: Sequence[tuple[Row, str]], of: tuple[Calibration, str, str], where: str
) -> tuple[list[float], ServingFactors | None, list[str]]:
    """The factors under which ratios lie closest to 1, with these ratios, and why rows could not be predicted."""
    calibration, engine, chip = of
    judged = []
    reasons: list[str] = []
    for factors in tried:
        own = {**calibration.serving[engine], chip: factors}
        changed = replace(calibration, serving={**calibration.serving, engine: own})
        found: list[float] = []
        for row, kind in rows:
            try:
                found.append(_RATIOS[kind](row, changed))
            except BerthError as error:
                reasons += [f"{where}:{row.line}: {finding}" for finding in error.findings]
        if found:
            # Rows that fall out under some factors (no room for a cache) must not make these look better.
            judged.append((float(np.mean(np.abs(np.log(found)))) + len(rows) - len(found), found, factors))
    if not judged:
        return [], None, list(dict.fromkeys(reasons))
    _, found, best = min(judged, key=lambda item: item[0])
    return found, best, []
