"""Which calibration does the user want: the bundled one, or their own factors on top of it?

A file of one's own holds any part of what planner/data/calibration.yaml holds, as `berth calibrate` writes it; what
it leaves out stays as bundled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import fields

from planner.calibration import (
    Calibration,
    EagerFactors,
    MemoryFactors,
    ServingFactors,
    TimeFactors,
    bundled_figures,
    calibration_of,
    load_calibration,
)
from planner.engines import factor_ranges
from planner.errors import MeasuredError
from planner.plan import Band
from pricing.units import GIB
from pricing.wording import close_match

_RECORDS: Mapping[str, type[Any]] = {
    "memory": MemoryFactors,
    "serving_memory": EagerFactors,
    "time": TimeFactors,
    "serving": ServingFactors,
}
# Sections with an entry for each accelerator.
_NESTED = ("time", "serving")
_BANDS = ("band", "memory_band", "ttft_band")
_BESIDE = ("source",)


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


@cache
def _ranges() -> Mapping[str, Mapping[str, tuple[float, float]]]:
    """Beyond these a figure is a slip of the pen, whatever it was fitted to."""
    return {
        "memory": {
            "fragmentation": (1.0, 2.0),
            "varied_lengths": (1.0, 5.0),
            "workspace_bytes": (0, 20 * GIB),
            "context_bytes": (0, 10 * GIB),
            "collectives_bytes": (0, 10 * GIB),
            "expert_load": (1.0, 10.0),
        },
        "serving_memory": {
            "row_share": (0.5, 1.2),
            "workspace_bytes": (0, 20 * GIB),
            "copied_share": (0.0, 1.0),
        },
        "time": {},
        "serving": {name: (found["low"], found["high"]) for name, found in factor_ranges().items()}
        | {
            "memory_share": (0.1, 1.0),
            "cache_share": (0.1, 1.0),
            "reserved_share": (0.0, 1.0),
            "reserve_bytes": (0, 40 * GIB),
            "collectives_bytes": (0, 10 * GIB),
        },
    }


def _faults(own: Mapping[str, Any], bundled: Mapping[str, Any]) -> Iterator[str]:
    for section, items in own.items():
        if section not in _RECORDS:
            yield f"{section!r} is not a section; sections are {', '.join(_RECORDS)}"
            continue
        if not isinstance(items, dict):
            yield f"{section}: should map names to factors"
            continue
        for name, item in items.items():
            vendor = str(name).partition("/")[0]
            if vendor not in bundled[section]:
                yield f"{section}.{name}: is not known{close_match(vendor, bundled[section])}"
            nested = [(f"{name}.{chip}", each) for chip, each in _of(item)] if section in _NESTED else [(name, item)]
            for where, record in nested:
                yield from _record_faults(f"{section}.{where}", record, section, bundled)


def _of(item: Any) -> list[tuple[str, Any]]:
    return list(item.items()) if isinstance(item, dict) else [("", item)]


def _record_faults(where: str, record: Any, section: str, bundled: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(record, dict):
        yield f"{where}: should be a mapping of factors"
        return
    known = set(_RECORDS[section].__struct_fields__)
    for key, value in record.items():
        if key not in known | set(_BESIDE):
            yield f"{where}.{key}: is not a factor{close_match(str(key), known)}"
        elif key in _BANDS:
            yield from (f"{where}.{key}: {fault}" for fault in _band_faults(value))
        elif key in _BESIDE:
            continue
        elif _is_shares(key, section, bundled):
            if not isinstance(value, dict) or not all(_is_number(share) and 0 < share <= 1 for share in value.values()):
                yield f"{where}.{key}: should map types to shares of their peak, from 0 to 1"
        else:
            low, high = _ranges()[section].get(key, (0.0, math.inf))
            if not _is_number(value):
                yield f"{where}.{key}: is {value!r}, should be a number"
            elif not low <= value <= high:
                yield f"{where}.{key}: is {value!r}, should lie from {low:g} to {high:g}"


def _band_faults(value: Any) -> Iterator[str]:
    known = {field.name: field.required for field in fields(Band)}
    needed = {name for name, is_needed in known.items() if is_needed}
    if not isinstance(value, dict) or not needed <= set(value) <= set(known):
        yield "should hold low, high and basis"
    elif not isinstance(value.get("measured", True), bool):
        yield f"measured is {value['measured']!r}, should be true or false"
    elif not (_is_number(value["low"]) and _is_number(value["high"]) and 0 < value["low"] <= 1 <= value["high"]):
        yield "should reach from below 1 to above it"


def _is_shares(key: str, section: str, bundled: Mapping[str, Any]) -> bool:
    """Whether the factor is a figure for each type of numbers, as the bundled ones have it."""
    return section == "time" and any(isinstance(item["default"].get(key), dict) for item in bundled[section].values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _merged(bundled: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Both, key by key; bands and shares of a peak are replaced as a whole."""
    found = dict(bundled)
    for key, value in own.items():
        whole = key in (*_BANDS, "matmul") or not isinstance(value, dict) or not isinstance(found.get(key), dict)
        found[key] = value if whole else _merged(found[key], value)
    return found
