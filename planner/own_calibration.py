"""Which calibration does the user want: the bundled one, or their own factors on top of it?

A file of one's own holds any part of what planner/data/calibration.yaml holds, as `berth calibrate` writes it; what
it leaves out stays as bundled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from planner.calibration import (
    Calibration,
    MemoryFactors,
    ServingFactors,
    TimeFactors,
    bundled_figures,
    calibration_of,
    load_calibration,
)
from planner.errors import MeasuredError
from planner.plan import Band
from pricing.wording import close_match

_RECORDS: Mapping[str, type[Any]] = {"memory": MemoryFactors, "time": TimeFactors, "serving": ServingFactors}
_BESIDE = ("source",)
# Beyond these a figure is a slip of the pen, whatever it was fitted to.
_RANGES: Mapping[str, tuple[float, float]] = {
    "fragmentation": (1.0, 2.0),
    "varied_lengths": (1.0, 5.0),
    "expert_load": (1.0, 10.0),
    "workspace_bytes": (0, 20 * 2**30),
    "context_bytes": (0, 10 * 2**30),
    "collectives_bytes": (0, 10 * 2**30),
}


def chosen_calibration(path: str | None) -> Calibration:
    """The bundled calibration, with the factors of a file on top where one is named.

    Raises MeasuredError with everything that is wrong in the file.
    """
    if path is None:
        return load_calibration()
    try:
        own = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise MeasuredError([f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from None
    except yaml.YAMLError as error:
        raise MeasuredError([f"{path}: is no YAML: {' '.join(str(error).split())}"]) from None
    bundled = bundled_figures()
    if not isinstance(own, dict) or not own:
        raise MeasuredError([f"{path}: holds no factors; `berth calibrate` writes such a file"])
    findings = [f"{path}: {finding}" for finding in _faults(own, bundled)]
    if findings:
        raise MeasuredError(findings)
    return calibration_of(_merged(bundled, own))


def _faults(own: Mapping[str, Any], bundled: Mapping[str, Any]) -> Iterator[str]:
    for section, items in own.items():
        if section not in _RECORDS:
            yield f"{section!r} is not a section; sections are {', '.join(_RECORDS)}"
            continue
        if not isinstance(items, dict):
            yield f"{section}: should map names to factors"
            continue
        known = {field.name for field in fields(_RECORDS[section])} | set(_BESIDE)
        for name, item in items.items():
            vendor = str(name).partition("/")[0]
            if vendor not in bundled[section]:
                yield f"{section}.{name}: is not known{close_match(vendor, bundled[section])}"
            nested = [(name, item)] if section == "memory" else [(f"{name}.{chip}", each) for chip, each in _of(item)]
            for where, record in nested:
                yield from _record_faults(f"{section}.{where}", record, known)


def _of(item: Any) -> list[tuple[str, Any]]:
    return list(item.items()) if isinstance(item, dict) else [("", item)]


def _record_faults(where: str, record: Any, known: set[str]) -> Iterator[str]:
    if not isinstance(record, dict):
        yield f"{where}: should be a mapping of factors"
        return
    for key, value in record.items():
        if key not in known:
            yield f"{where}.{key}: is not a factor{close_match(str(key), known)}"
        elif key in _RANGES:
            low, high = _RANGES[key]
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                yield f"{where}.{key}: is {value!r}, should lie from {low:g} to {high:g}"
        elif key == "band":
            if not isinstance(value, dict) or set(value) != {field.name for field in fields(Band)}:
                yield f"{where}.band: should hold low, high and basis"
            elif not 0 < value["low"] <= 1 <= value["high"]:
                yield f"{where}.band: should reach from below 1 to above it"
        elif key == "matmul" and not (isinstance(value, dict) and all(0 < share <= 1 for share in value.values())):
            yield f"{where}.matmul: should map types to shares of their peak, from 0 to 1"


def _merged(bundled: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Both, key by key; bands and shares of a peak are replaced as a whole."""
    found = dict(bundled)
    for key, value in own.items():
        whole = key in ("band", "matmul") or not isinstance(value, dict) or not isinstance(found.get(key), dict)
        found[key] = value if whole else _merged(found[key], value)
    return found
