"""Which serving engines are known, what do rows call them, and what was measured of them?

One file for each engine under planner/data/engines says what it is: what rows call it, how it fills a device, earlier
releases that measured rows ran (each on top of the engine's own), or another engine whose measurements stand for it.
What was fitted stands in planner/data/engines/fitted: `default` holds the factors of a step, `generations` those that
differ by the make of the accelerator, `accelerators` the bands of those that were measured. generations.yaml says which
accelerators are of one make, factors.yaml what each factor is and where it can lie.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_FOLDER = "data/engines"
_TABLES = ("generations", "factors")
_RELEASE = re.compile(r"(\d+)\.(\d+)")


def release_of(text: str) -> tuple[int, int] | None:
    """The major and minor number that a release's name begins with; None where it begins with none."""
    parts = _RELEASE.match(text)
    return (int(parts[1]), int(parts[2])) if parts else None


@cache
def engine_files() -> dict[str, dict[str, Any]]:
    """What each engine's file says, by engine."""
    folder = files("planner").joinpath(_FOLDER)
    named = sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))
    return {name: _read(name) for name in named if name not in _TABLES}


@cache
def generations() -> dict[str, list[str]]:
    """Accelerators by generation."""
    return _read("generations")


@cache
def factor_ranges() -> dict[str, dict[str, Any]]:
    """Of each factor of a step: its usual value, the ends of its range, and its source."""
    return _read("factors")


def generation_of(accelerator: str) -> str:
    """The generation of an accelerator, or of the whole that a slice is of; "" where none is known."""
    whole = accelerator.partition("/")[0]
    return next((name for name, chips in generations().items() if whole in chips), "")


def engine_figures() -> dict[str, dict[str, Any]]:
    """Factors by engine or release of one, and by accelerator, `default` for those of no known generation."""
    return {
        name: _by_accelerator(settings, _fitted(measured, own=measured == name))
        for engine, found in engine_files().items()
        for name, measured, settings in _releases(engine, found)
    }


def _fitted(measured: str, own: bool) -> dict[str, Any]:
    """The fitted factors of an engine; where they stand for another's, with the band of what was not measured."""
    found = _read(f"fitted/{measured}")
    return found if own else found | {"accelerators": {}}


def _releases(engine: str, found: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """An engine as it is now and as it was: its name, whose fitted factors it has, and its settings by generation."""
    now = found["settings"] | {"default": found["settings"]["default"] | {"source": found["source"]}}
    yield engine, found.get("like", engine), now
    for old in found.get("releases", []):
        yield (
            f"{engine}-{old['name']}",
            f"{engine}-{old['name']}",
            now | {part: now.get(part, {}) | settings for part, settings in old.get("settings", {}).items()},
        )


def _by_accelerator(settings: Mapping[str, Any], fitted: Mapping[str, Any]) -> dict[str, Any]:
    """Settings and fitted factors of the default and of every accelerator that differs from it."""
    makes = [name for name in generations() if name in settings or name in fitted["generations"]]
    found = {"default": settings["default"] | fitted["default"]}
    bands = {name: found["default"][name] for name in ("band", "ttft_band")}
    for make in makes:
        own = settings.get(make, {}) | fitted["generations"].get(make, {})
        for chip in generations()[make]:
            found[chip] = bands | own | fitted["accelerators"].get(chip, {})
    return found


def engine_called(name: str, release: str, source: str) -> str:
    """The engine, or release of one, that a row of a source means; "" where nobody knows it.

    Where rows do not say the release, the engine's file may say which one a source ran.
    """
    for engine, found in engine_files().items():
        if any(name.startswith(known) for known in found.get("called", [engine])):
            number = release_of(release)
            for old in found.get("releases", []):
                said = number is not None and number < tuple(old["before"])
                if said or (number is None and source in old.get("sources", [])):
                    return f"{engine}-{old['name']}"
            return engine
    return ""


def _read(name: str) -> dict[str, Any]:
    text = files("planner").joinpath(f"{_FOLDER}/{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found
