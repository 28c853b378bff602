"""Which workload and which model does a file on disk describe?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from planner.contradictions import Finding, contradictions
from planner.errors import PlannerError, WorkloadError
from planner.faults import dotted, fault_sentences
from planner.inline_shape import InlineShape
from planner.model_config import shape_from_config
from planner.models import load_preset
from planner.plan import Target
from planner.shape import ModelShape
from planner.source import read_source
from planner.workload import Workload
from pricing.errors import OptionError
from pricing.wording import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A valid workload with the shape of its model, and the file that it stands in."""

    file: Path
    workload: Workload
    shape: ModelShape


def target_named(name: str | None) -> Target | None:
    """The target that a user asks for by name, None where none is named. Raises OptionError for another name."""
    if name is None or name in list(Target):
        return None if name is None else Target(name)
    raise OptionError(f"target={name} is not known; write {listed(list(Target), 'or')}.")


def load_workload(file: Path, target: Target | None = None) -> Loaded:
    """Reads, validates and completes a workload; a `target` takes the place of the one in the file.

    Raises WorkloadError with every finding, each with file, line and field.
    """
    source = read_source(file)
    try:
        workload = Workload.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        raise WorkloadError(fault_sentences(source, error)) from None
    if target:
        provision = workload.provision.model_copy(update={"target": target})
        workload = workload.model_copy(update={"provision": provision})
    found = list(contradictions(workload))
    shape = None
    try:
        shape = _shape(file, workload)
        found += _overlong(workload, shape)
    except PlannerError as error:
        found += [Finding(path=("model",), says=text) for text in error.findings]
    if found or shape is None:
        raise WorkloadError([f"{source.where(item.path)}: {dotted(item.path)}{item.says}" for item in found])
    return Loaded(file=file, workload=workload, shape=shape)


def _shape(file: Path, workload: Workload) -> ModelShape:
    if isinstance(workload.model, InlineShape):
        return workload.model.to_shape(workload.name)
    if workload.model.endswith(".json"):
        return shape_from_config(file.parent / workload.model)
    return load_preset(workload.model)


def _overlong(workload: Workload, shape: ModelShape) -> Iterator[Finding]:
    """Sequences that the model cannot take, or make."""
    training, inference = workload.training, workload.inference
    if inference and not shape.generates:
        yield Finding(
            path=("inference",),
            says=f"{shape.name} makes no tokens one by one: none of its blocks is causal",
        )
    if inference and inference.context_tokens > shape.context_tokens:
        yield Finding(
            path=("inference",),
            says=f"{inference.context_tokens:,} tokens of context are more than the {shape.context_tokens:,} that "
            f"{shape.name} was made for",
        )
    if training and shape.positions and training.sequence_length > shape.context_tokens:
        yield Finding(
            path=("training", "sequence_length"),
            says=f"{training.sequence_length:,} tokens a sequence are more than the {shape.context_tokens:,} for which "
            f"{shape.name} has learned positions",
        )
