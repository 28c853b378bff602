"""What did a fit to one's own runs change, and which of them does no factor explain?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from planner.calibration import Calibration
from planner.measured import Measured
from planner.validation import Compared, validate

# Factors stay within plausible ranges: together they move a prediction of memory by less than a third.
MOST_EXPLAINED = 0.33


def fit_report(
    measured: Measured, before: Calibration, after: Calibration, figures: Mapping[str, Any], where: str
) -> Iterator[str]:
    """Lines on factors and mean errors before and after, and a warning for every row that still is far off."""
    for section, name, record in _records(figures):
        old, new = _factors(before, section, name), _factors(after, section, name)
        for factor in record:
            values = [getattr(each, factor, None) for each in (old, new)]
            if factor != "band" and None not in values:
                yield f"{section} {name} {factor}: {_shown(values[0])} before, {_shown(values[1])} after"
    rows = [validate(measured, known, where).rows for known in (before, after)]
    for kind in dict.fromkeys(item.kind for item in rows[1]):
        errors = [[item.error for item in each if item.kind == kind] for each in rows]
        means = [f"{np.mean(np.abs(each)):.1%}" for each in errors if each]
        yield f"{kind}: mean error {' before, '.join(means)} after, {len(errors[1])} rows"
    yield from (_warning(item, where) for item in rows[1] if abs(item.error) > MOST_EXPLAINED)


def _warning(item: Compared, where: str) -> str:
    return (
        f"warning: {where}: {item.id}: {item.kind} is still {item.error:+.0%} off: no factor in its plausible range"
        " explains the row; check its cells (unit, accelerators, layout), or leave it out"
    )


def _records(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Section, name and factors of everything fitted; times and engines have an entry for each accelerator."""
    for section, items in figures.items():
        for name, item in items.items():
            if section in ("time", "serving"):
                yield from ((section, f"{name} {chip}", record) for chip, record in item.items())
            else:
                yield section, name, item


def _factors(known: Calibration, section: str, name: str) -> Any:
    if section == "memory":
        vendor, _, software = name.partition("/")
        return known.memory_factors(vendor, software)
    if section == "serving_memory":
        return known.eager_factors(name)
    software, _, chip = name.partition(" ")
    return known.time_factors(software, chip) if section == "time" else known.serving_factors(software, chip)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {share:g}" for key, share in value.items())
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
