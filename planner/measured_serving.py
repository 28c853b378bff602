"""What configuration does a measured serving run stand for?"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from planner.calibration import EagerFactors
from planner.errors import ModelError, PlannerError
from planner.inline_shape import InlineShape
from planner.measured import Row
from planner.models import load_preset
from planner.serving_memory import (
    AUTOAWQ,
    AUTOAWQ_GEMV,
    HUGGING_FACE,
    KV_BYTES,
    WEIGHT_BYTES,
    EagerProgram,
    EagerRun,
    ServedMemory,
    eager_memory,
)
from planner.shape import ModelShape
from pricing.wording import close_match

_FOLDER = Path(__file__).with_name("data") / "measured"
# Words for memory that was read when the answer was complete, and not at its peak.
_AT_END = re.compile(r"\b(?:end|after|final|weights|no activations)\b")
# Engines that take a share of the device beforehand, and programs without a pool of cache blocks, by how they begin.
POOLED = ("vllm", "sglang", "tensorrt", "tgi", "lmdeploy", "nim", "fastertransformer")
PROGRAMS = {"hf": HUGGING_FACE, "autoawq gemv": AUTOAWQ_GEMV, "autoawq": AUTOAWQ}


class ServingCase(Struct, frozen=True, kw_only=True):
    """A measured run of an eager program in the planner's own records."""

    row: Row
    shape: ModelShape
    program: EagerProgram
    served: EagerRun

    def memory(self, factors: EagerFactors) -> ServedMemory:
        """What the run takes over all devices."""
        return eager_memory(self.shape, self.served, self.program, factors)


def serving_case(row: Row) -> ServingCase:
    """The configuration of a row. Raises PlannerError with what its cells lack for a prediction of memory."""
    program = _program(row.says("engine"))
    weight, cached = row.says("weight_dtype", "bf16"), row.says("kv_dtype", "bf16")
    check_types(weight, cached)
    if not row.count("input_tokens"):
        raise PlannerError(["input_tokens not stated"])
    return ServingCase(
        row=row,
        shape=served_shape(row.says("model")),
        program=program,
        served=EagerRun(
            weight_dtype=weight,
            kv_dtype=cached,
            sequences=max(row.count("concurrency", 1), 1),
            input_tokens=row.count("input_tokens"),
            output_tokens=row.count("output_tokens"),
            devices=row.count("accelerators", 1),
            at_end=reads_end(row),
        ),
    )


def reads_end(row: Row) -> bool:
    """Whether a row's memory is what is left at the end: by its own word, else by what its source is known to print."""
    kind = row.says("memory_kind").lower()
    return bool(_AT_END.search(kind)) or (
        not kind.startswith("peak") and row.says("source") in _read("units")["at_end"]
    )


def _program(engine: str) -> EagerProgram:
    """How the program of that name keeps what it needs. Raises PlannerError where nobody knows, or where it does not
    depend on the model."""
    found = next((item for name, item in PROGRAMS.items() if engine.startswith(name)), None)
    if found:
        return found
    if engine.startswith(POOLED):
        raise PlannerError([f"engine: {engine} takes its share of the device whatever it serves; judge kv, not memory"])
    known = ", ".join(PROGRAMS)
    raise PlannerError([f"engine: how {engine or 'one not named'} fills memory is not known; known are {known}"])


def check_types(weight: str, cached: str) -> None:
    """Raises PlannerError with the types of weights or cache whose bytes nobody knows."""
    columns = (("weight_dtype", weight, WEIGHT_BYTES), ("kv_dtype", cached, KV_BYTES))
    findings = [
        f"{column}: how many bytes {name} takes is not known{close_match(name, known)}"
        for column, name, known in columns
        if name not in known
    ]
    if findings:
        raise PlannerError(findings)


def served_shape(name: str) -> ModelShape:
    """The model that measured rows call `name`. Raises PlannerError where nobody knows it."""
    known = _read("models")
    if name in known["shapes"]:
        return InlineShape.checked(known["shapes"][name], name).to_shape(name)
    try:
        return load_preset(known["names"].get(name, name.removesuffix("-Instruct")))
    except ModelError:
        raise PlannerError([f"no preset is called {name!r}"]) from None


@cache
def _read(name: str) -> dict[str, Any]:
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    known: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return known
