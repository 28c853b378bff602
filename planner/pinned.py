"""What may a pinned configuration say?

One file for `berth estimate`: a model, accelerators that need not be for sale, and every choice that a plan would
make. What it leaves out is the framework's own default.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from planner.errors import PlannerError, WorkloadError
from planner.faults import fault_sentences
from planner.inline_shape import InlineShape
from planner.model_config import shape_from_config
from planner.models import load_preset
from planner.recipe import AdapterTargets
from planner.shape import ModelShape
from planner.source import read_source

Degree = Annotated[int, Field(ge=1, le=1_000_000)]


class Part(BaseModel):
    """A section of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AdapterPart(Part):
    """Adapters: low-rank ones, or of the kind that a technique names."""

    rank: Degree = 16
    targets: AdapterTargets = AdapterTargets.ALL_LINEAR
    tokens: Degree = 20


class TrainingPart(Part):
    """A training step. Degrees multiply to the accelerators, data parallelism filling what is left.

    `capacity_factor` is the room of an expert over the mean of what a mixture's router sends; without one no token is
    dropped.
    """

    method: Literal["pretrain", "full", "lora", "qlora"] = "full"
    framework: str | None = None
    techniques: tuple[str, ...] = ()
    lora: AdapterPart = AdapterPart()
    trained_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    projected_rank: Annotated[int, Field(ge=0, le=65_536)] = 0
    sequence_length: Degree
    micro_batch: Degree = 1
    micro_batches: Degree = 1
    tensor: Degree = 1
    pipeline: Degree = 1
    virtual: Degree = 1
    context: Degree = 1
    expert: Degree = 1
    capacity_factor: Annotated[float, Field(ge=0.25, le=64)] | None = None


class InferencePart(Part):
    """Sequences answered at once, on the devices of one replica.

    `weights` and `kv` are types, `weights_on` and `kv_on` places; techniques may name both instead. `program` is one
    whose memory was measured ("hf", "autoawq"); without one the band is that of all others.
    """

    input_tokens: Degree
    output_tokens: Annotated[int, Field(ge=0, le=10**9)] = 0
    sequences: Degree = 1
    weights: str = "bf16"
    kv: str = "bf16"
    weights_on: Literal["device", "host", "disk"] = "device"
    kv_on: Literal["device", "host", "disk"] = "device"
    techniques: tuple[str, ...] = ()
    program: str | None = None
    prefill_tokens: Degree | None = None
    chunk_rows: Degree = 128


class PinnedFile(Part):
    """The file: either training or inference."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    model: str | InlineShape
    accelerator: str | dict[str, Any]
    accelerators: Degree = 1
    accelerators_per_node: Degree | None = None
    training: TrainingPart | None = None
    inference: InferencePart | None = None

    @model_validator(mode="after")
    def _one_job(self) -> PinnedFile:
        if (self.training is None) == (self.inference is None):
            raise ValueError("give either training or inference")
        return self

    def shape(self, folder: Path) -> ModelShape:
        """The model's shape; a config.json is looked for beside the file."""
        if isinstance(self.model, InlineShape):
            return self.model.to_shape(self.name)
        return shape_from_config(folder / self.model) if self.model.endswith(".json") else load_preset(self.model)


def read_pinned(file: Path) -> tuple[PinnedFile, ModelShape]:
    """Reads a pinned configuration and its model.

    Raises WorkloadError with every finding, each with file, line and field.
    """
    source = read_source(file)
    try:
        pinned = PinnedFile.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        raise WorkloadError(fault_sentences(source, error)) from None
    try:
        return pinned, pinned.shape(file.parent)
    except PlannerError as error:
        raise WorkloadError([f"{source.where(('model',))}: model: {text}" for text in error.findings]) from None
