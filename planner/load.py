"""Which workload and which model does a file on disk describe?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from pydantic import ValidationError

from planner.contradictions import Finding, contradictions
from planner.errors import PlannerError, WorkloadError
from planner.faults import dotted, fault_sentences
from planner.inline_shape import InlineShape
from planner.models import load_preset
from planner.plan import Target
from planner.recipe import Group
from planner.recipes import named_techniques
from planner.serving_faults import model_faults
from planner.shape import ModelShape
from planner.source import read_source
from planner.workload import Workload
from pricing.errors import OptionError
from pricing.wording import listed


class Loaded(Struct, frozen=True, kw_only=True):
    """A valid workload with the shape of its model, and the file that it stands in."""

    file: Path
    workload: Workload
    shape: ModelShape


def target_named(name: str | None) -> Target | None:
    """The target that a user asks for by name, None where none is named. Raises OptionError for another name."""
    if name is None or name in list(Target):
        return None if name is None else Target(name)
    raise OptionError(f"target={name} is not known; write {listed(list(Target), 'or')}.")


class LoadedIndex(Struct, frozen=True, kw_only=True):
    """A valid workload that is a vector index alone, without a model, and the file that it stands in."""

    file: Path
    workload: Workload


def load_workload(file: Path, target: Target | None = None) -> Loaded:
    """Reads, validates and completes the workload of a model; a `target` takes the place of the one in the file.

    Raises WorkloadError with every finding, each with file, line and field, and for a vector index alone.
    """
    loaded = load_any(file, target)
    if isinstance(loaded, LoadedIndex):
        raise WorkloadError(
            f"{file}: a vector index alone, which has no model to serve and, as yet, no stack that builds it: `berth "
            "plan` and `berth lock` size and price it; name a model and an inference section for more"
        )
    return loaded


def load_any(file: Path, target: Target | None = None) -> Loaded | LoadedIndex:
    """Reads, validates and completes a workload, of a model or of a vector index alone, as `load_workload` does.

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
    if workload.model is None and not found:
        return LoadedIndex(file=file, workload=workload)
    shape = None
    try:
        if workload.model is not None:
            shape = _shape(file, workload)
            found += _overlong(workload, shape)
    except PlannerError as error:
        found += [Finding(path=("model",), says=text) for text in error.findings]
    if found or shape is None:
        raise WorkloadError([f"{source.where(item.path)}: {dotted(item.path)}{item.says}" for item in found])
    return Loaded(file=file, workload=_with_profile(file, workload, shape), shape=shape)


def _with_profile(file: Path, workload: Workload, shape: ModelShape) -> Workload:
    """The workload with the hours of its trace written down, so that a lock knows them. Raises TraceError."""
    inference = workload.inference
    if inference is None or inference.fleet.trace is None or inference.requests_per_second is None:
        return workload
    # Traces are long and few: NumPy is loaded for them alone.
    from planner.load_profile import traced_profile

    path = file.parent / inference.fleet.trace
    profile = traced_profile(path, inference.requests_per_second, shape.context_tokens, shape.name)
    fleet = inference.fleet.model_copy(update={"profile": profile})
    return workload.model_copy(update={"inference": inference.model_copy(update={"fleet": fleet})})


def _shape(file: Path, workload: Workload) -> ModelShape:
    if isinstance(workload.model, InlineShape):
        return workload.model.to_shape(workload.name)
    assert workload.model is not None
    if workload.model.endswith(".json"):
        # Presets need no knowledge of Hugging Face's files.
        from planner.model_config import shape_from_config

        return shape_from_config(file.parent / workload.model)
    return load_preset(workload.model)


def _overlong(workload: Workload, shape: ModelShape) -> Iterator[Finding]:
    """Sequences that the model cannot take, or make."""
    training, inference = workload.training, workload.inference
    if inference:
        for path, says in model_faults(inference, shape):
            yield Finding(path=path, says=says)
    if inference and inference.context_tokens > shape.context_tokens:
        yield Finding(
            path=("inference",),
            says=f"{inference.context_tokens:,} tokens of context are more than the {shape.context_tokens:,} that "
            f"{shape.name} was made for",
        )
    adapter = named_techniques(workload).get(Group.ADAPTER)
    if training and adapter == "bitfit" and not shape.biased:
        field = ("training", "adapter") if training.adapter else ("techniques", "require")
        yield Finding(path=field, says=f"bitfit trains biases, and {shape.name} has none; choose another adapter")
    if training and shape.positions and training.sequence_length > shape.context_tokens:
        yield Finding(
            path=("training", "sequence_length"),
            says=f"{training.sequence_length:,} tokens a sequence are more than the {shape.context_tokens:,} for which "
            f"{shape.name} has learned positions",
        )
