"""Which pinned configuration, and which model, does a file on disk describe?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from planner.contradictions import Finding
from planner.errors import PlannerError, WorkloadError
from planner.faults import dotted, fault_sentences
from planner.pinned_choices import accelerator_of
from planner.pinned_faults import name_faults, pinned_faults
from planner.pinned_file import PinnedFile
from planner.shape import ModelShape
from planner.source import Source, read_source


def read_pinned(file: Path) -> tuple[PinnedFile, ModelShape]:
    """Reads a pinned configuration and its model.

    Raises WorkloadError with every finding, each with file, line and field.
    """
    source = read_source(file)
    unknown = list(name_faults(source.data, file.parent))
    try:
        pinned = PinnedFile.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        raise WorkloadError([*fault_sentences(source, error, PinnedFile), *_sentences(source, unknown)]) from None
    fields = {item.path[:1] for item in unknown}
    shape = None
    try:
        shape = None if ("model",) in fields else pinned.shape(file.parent)
    except PlannerError as error:
        unknown += [Finding(path=("model",), says=text) for text in error.findings]
    chip = None if ("accelerator",) in fields else accelerator_of(pinned)
    found = [*unknown, *pinned_faults(pinned, shape, chip)]
    if found or shape is None:
        raise WorkloadError(_sentences(source, found))
    return pinned, shape


def _sentences(source: Source, found: Iterable[Finding]) -> list[str]:
    return [f"{source.where(item.path)}: {dotted(item.path)}{item.says}" for item in found]
