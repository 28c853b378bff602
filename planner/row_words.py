"""Which words may cells of measured rows say?

Those that a prediction stands on, and those that published files use beside them (data/measured/words.yaml). A word
that nobody knows is a fault of its file: taken for a default it would judge another run than the one that was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from planner.described import accelerator_called
from planner.errors import PlannerError
from planner.measured import Row
from planner.measured_training import ADAPTED, OPTIONS, PACKED_BYTES, PLAIN_BYTES
from planner.recipe import Group, Job, Recompute
from planner.serving_memory import KV_BYTES, WEIGHT_BYTES
from planner.software import load_software
from planner.techniques import load_techniques
from pricing.wording import close_match

_FILE = Path(__file__).with_name("data") / "measured" / "words.yaml"
_SHARDINGS = ("none", "ddp", "offload", "device_map", "zero1", "zero2", "zero3", "fsdp")
_COMPUTED = ("fp32", "tf32", "fp16", "bf16", "fp8", "mxfp8", "nvfp4")
# Joined by plus signs in one cell.
_JOINED = ("options",)


def word_faults(row: Row, job: Job) -> Iterator[str]:
    """Words of a row that nobody knows, each with its column, the closest word and all that there are."""
    for column, known in _words(job).items():
        cell = row.says(column)
        for word in cell.split("+") if column in _JOINED else [cell]:
            if word and not _knows(column, word, known):
                listed = ", ".join(sorted(known))
                yield f"{column}: {word!r} is not known{close_match(word, known)}; known are {listed}"
    yield from _accelerator_faults(row.says("accelerator"))


def _knows(column: str, word: str, known: Iterable[str]) -> bool:
    # Names of software are known in any case of letters.
    return word in known or (column == "software" and word.lower() in known)


def _accelerator_faults(name: str) -> Iterator[str]:
    if not name or name in _further()["accelerators"]:
        return
    try:
        accelerator_called(name)
    except PlannerError as error:
        finding = "; ".join(error.findings).rstrip(".?")
        yield f"accelerator: {finding}? Without its memory nobody can tell whether a run fits; name a known one"


@cache
def _words(job: Job) -> Mapping[str, frozenset[str]]:
    """What cells may say, by column."""
    own = _trained() if job is Job.TRAINING else {"weight_dtype": set(WEIGHT_BYTES), "kv_dtype": set(KV_BYTES)}
    further = {column: set(words) for column, words in _further()[job].items()}
    return {column: frozenset(own.get(column, set()) | further.get(column, set())) for column in {**own, **further}}


def _trained() -> dict[str, set[str]]:
    return {
        "software": {name for item in load_software().values() for name in (item.name, *item.names)},
        "technique": {"pretrain", "full", *ADAPTED},
        "compute_dtype": set(_COMPUTED),
        "weight_dtype": {*PACKED_BYTES, *PLAIN_BYTES, "fp8", "mxfp8", "nvfp4"},
        "optimizer": {item.name for item in load_techniques().values() if item.group is Group.OPTIMIZER},
        "sharding": {*_SHARDINGS, *(f"{name}-offload" for name in _SHARDINGS)},
        "recompute": set(Recompute),
        "options": set(OPTIONS),
    }


@cache
def _further() -> dict[str, Any]:
    known: dict[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return known
