"""Which words may cells of measured rows say?

Those that a prediction stands on, and those that published files use beside them (data/measured/words.yaml). A row with
a word that nobody knows is not predicted: taken for a default it would judge another run than the one that was
measured. Names of software, of accelerators and of what was read are open: what is done with a row that has a new one
is said in a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from planner.described import accelerator_called
from planner.errors import PlannerError
from planner.measured import MEMORY, OOM, Row
from planner.measured_serving import reads_end
from planner.measured_training import ADAPTED, OPTIONS, PACKED_BYTES, PLAIN_BYTES, software_of
from planner.recipe import Group, Job, Recompute
from planner.serving_memory import KV_BYTES, WEIGHT_BYTES
from planner.software import load_software
from planner.techniques import load_techniques
from pricing.catalog import load_accelerators
from pricing.wording import close_match

_FILE = Path(__file__).with_name("data") / "measured" / "words.yaml"
_SHARDED = ("zero1", "zero2", "zero3", "fsdp")
_SHARDINGS = ("none", "ddp", "offload", "device_map", *_SHARDED, *(f"{name}-offload" for name in _SHARDED))
_COMPUTED = ("fp32", "tf32", "fp16", "bf16", "fp8", "mxfp8", "nvfp4")
# Joined by plus signs in one cell.
_JOINED = ("options",)
# Columns of names, of which there may be new ones.
_OPEN = ("software", "memory_kind")


def check_words(row: Row, job: Job) -> None:
    """Raises PlannerError with every word of a row that nobody knows."""
    if faults := list(word_faults(row, job)):
        raise PlannerError(faults)


def word_faults(row: Row, job: Job) -> Iterator[str]:
    """Words of a row that nobody knows, each with its column, the closest word and all that there are."""
    for column, known in known_words(job).items():
        cell = row.says(column)
        for word in cell.split("+") if column in _JOINED else [cell]:
            if word and word not in known:
                listed = ", ".join(sorted(known))
                yield f"{column}: {word!r} is not known{close_match(word, known)} Known are {listed}"


def name_notes(judged: Iterable[tuple[Row, tuple[str, ...]]], job: Job) -> list[str]:
    """A sentence on each name that nobody has described, with what was done with the rows that are judged for something
    that hangs on it."""
    found = Counter(note for row, kinds in judged if kinds for note in _name_notes(row, kinds, job))
    return [f"{note} ({count} row{'s' * (count > 1)})" for note, count in found.items()]


def _name_notes(row: Row, kinds: tuple[str, ...], job: Job) -> Iterator[str]:
    software, chip, read = row.says("software"), row.says("accelerator"), row.says("memory_kind")
    if software and software.lower() not in _software():
        taken = f"its runs are predicted as {software_of(row).name}'s, the default for what was run"
        yield f"software {software!r} is not known{_hint(software, _software())}; {taken}"
    if chip and not _is_described(chip):
        hint = _hint(chip, load_accelerators())
        yield f"accelerator {chip!r} is not known{hint}; nobody can tell whether a run on it fits, or how fast it is"
    kinds_read = _further()[job]["memory_kind"]
    if read and read not in kinds_read and not reads_end(row) and {MEMORY, OOM} & set(kinds):
        taken = "what nvidia-smi shows" if job is Job.TRAINING else "the peak"
        yield f"memory_kind {read!r} is not known{_hint(read, kinds_read)}; it is taken for {taken}"


def _hint(name: str, known: Iterable[str]) -> str:
    """The closest names, as part of a sentence."""
    return close_match(name, sorted(known)).rstrip(".?")


def _is_described(name: str) -> bool:
    try:
        accelerator_called(name)
    except PlannerError:
        return False
    return True


@cache
def known_words(job: Job) -> Mapping[str, frozenset[str]]:
    """What cells may say, by column."""
    own = _trained() if job is Job.TRAINING else {"weight_dtype": set(WEIGHT_BYTES), "kv_dtype": set(KV_BYTES)}
    further = {column: set(words) for column, words in _further()[job].items() if column not in _OPEN}
    return {column: frozenset(own.get(column, set()) | further.get(column, set())) for column in {**own, **further}}


def _trained() -> dict[str, set[str]]:
    return {
        "technique": {"pretrain", "full", *ADAPTED},
        "compute_dtype": set(_COMPUTED),
        "weight_dtype": {*PACKED_BYTES, *PLAIN_BYTES, "fp8", "mxfp8", "nvfp4"},
        "optimizer": {item.name for item in load_techniques().values() if item.group is Group.OPTIMIZER},
        "sharding": set(_SHARDINGS),
        "recompute": set(Recompute),
        "options": set(OPTIONS),
    }


@cache
def _software() -> frozenset[str]:
    """Names of classes of software, and of programs for which the default is known to do, in small letters."""
    own = (name.lower() for item in load_software().values() for name in (item.name, *item.names))
    return frozenset((*own, *_further()[Job.TRAINING]["software"]))


@cache
def _further() -> dict[str, Any]:
    known: dict[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return known
