"""What may a pinned configuration say?

A model, an accelerator and how many: no market, no price, nothing that needs to be for sale, and every choice that a
plan would make. What it leaves out is the framework's own default. Field descriptions are the documentation that
`berth schema estimate` hands to editors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from planner.documented import Documented
from planner.inline_shape import InlineShape
from planner.model_config import shape_from_config
from planner.models import load_preset
from planner.recipe import AdapterTargets
from planner.shape import ModelShape
from pricing.instance_type import Accelerator, Link, LinkKind
from pricing.units import GIGA, TERA, TIB, parse_bytes, show_bytes

# No device has a tenth of this.
LARGEST_DEVICE_BYTES = 16 * TIB


def _memory(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit; write a size such as 24 GiB")
    size = parse_bytes(value)
    if not 0 < size <= LARGEST_DEVICE_BYTES:
        raise ValueError(f"{value!r} is no memory of a device; write one up to {show_bytes(LARGEST_DEVICE_BYTES)}")
    return size


Degree = Annotated[int, Field(ge=1, le=1_000_000)]
Rate = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
DeviceBytes = Annotated[
    int, BeforeValidator(_memory), WithJsonSchema({"type": "string", "examples": ["24 GiB"]}, mode="validation")
]


class Part(Documented):
    """A section of the file."""


class AcceleratorPart(Part):
    """An accelerator in the file's own words; without rates its time is not known."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    """What reports call it."""
    memory: DeviceBytes
    """Memory with its unit, such as 24 GiB."""
    vendor: Annotated[str, Field(min_length=1, max_length=64)] = "NVIDIA"
    """Who makes it; context and collectives are NVIDIA's where those of the vendor were not measured."""
    memory_gb_per_s: Rate | None = None
    """Rate of its memory, GB/s."""
    tflop_per_s: dict[Literal["fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4"], Rate] = Field(default={})
    """Dense peak rates by type, TFLOP/s, such as {bf16: 300}."""
    link_gb_per_s: Rate | None = None
    """Rate of the link to its neighbours, GB/s each way."""
    ranks: Annotated[int, Field(ge=1, le=64)] = 1
    """Devices that software sees of it, sharing its memory (cores of a Trainium)."""

    def to_accelerator(self) -> Accelerator:
        """The accelerator, in SI units."""
        return Accelerator(
            name=self.name,
            vendor=self.vendor,
            memory_bytes=self.memory,
            memory_bytes_per_s=self.memory_gb_per_s * GIGA if self.memory_gb_per_s else None,
            flop_per_s={name: rate * TERA for name, rate in self.tflop_per_s.items()},
            ranks=self.ranks,
            link=Link(kind=LinkKind.PCIE, bytes_per_s=self.link_gb_per_s * GIGA) if self.link_gb_per_s else None,
            tdp_w=None,
            mig_slices=1,
            sources={},
        )


class AdapterPart(Part):
    """Adapters: low-rank ones, or of the kind that a technique names."""

    rank: Degree = 16
    """Rank of low-rank adapters, inner width of bottleneck-adapters."""
    targets: AdapterTargets = AdapterTargets.ALL_LINEAR
    """Which matrices get adapters, or are tuned by their biases or scales."""
    tokens: Degree = 20
    """Trained tokens of prefix-tuning and prompt-tuning."""


class TrainingPart(Part):
    """A training step. Degrees multiply to the accelerators, data parallelism filling what is left."""

    method: Literal["pretrain", "full", "lora", "qlora"] = "full"
    """pretrain and full train every weight; lora and qlora train adapters on a frozen, or quantized, base."""
    framework: str | None = None
    """A framework, or a class of software. Left out: by method, one that offers the techniques."""
    techniques: tuple[str, ...] = ()
    """By name (`berth techniques`), at most one of a group; the framework's default for the rest."""
    lora: AdapterPart = AdapterPart()
    """Adapter settings for lora and qlora."""
    trained_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the blocks that frozen-layers trains. Left out: a quarter."""
    projected_rank: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Rank that galore projects gradients to. Left out: 128."""
    sequence_length: Degree
    """Tokens per sequence."""
    micro_batch: Degree = 1
    """Sequences per device and pass."""
    micro_batches: Degree = 1
    """Passes per optimizer step (gradient accumulation)."""
    tensor: Degree = 1
    """Tensor-parallel degree."""
    pipeline: Degree = 1
    """Pipeline-parallel degree (stages)."""
    virtual: Degree = 1
    """Model chunks per pipeline stage (interleaved schedule)."""
    context: Degree = 1
    """Context-parallel degree."""
    expert: Degree = 1
    """Expert-parallel degree."""
    capacity_factor: Annotated[float, Field(ge=0.25, le=64)] | None = None
    """Room of an expert over the mean of what a mixture's router sends. Left out: no token is ever dropped."""


class InferencePart(Part):
    """Sequences answered at once, on the devices of one replica."""

    input_tokens: Degree
    """Tokens of a prompt."""
    output_tokens: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Tokens of an answer."""
    sequences: Degree = 1
    """Sequences at once."""
    weights: str = "bf16"
    """Type of the weights; a technique may name it instead."""
    kv: str = "bf16"
    """Type of the cache; a technique may name it instead."""
    weights_on: Literal["device", "host", "disk"] = "device"
    """Where weights live; a technique may name it instead."""
    kv_on: Literal["device", "host", "disk"] = "device"
    """Where the cache lives; a technique may name it instead."""
    techniques: tuple[str, ...] = ()
    """By name (`berth techniques`), at most one of a group."""
    program: str | None = None
    """A program whose memory was measured (hf, autoawq). Left out: the band is that of all others."""
    prefill_tokens: Degree | None = None
    """Tokens of the prompt that are worked on at once. Left out: all."""
    chunk_rows: Degree = 128
    """Rows of pairs that a folding model works on at once."""


class PinnedFile(Part):
    """One model on given accelerators: either trained or served."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Up to 64 letters, digits, dots, dashes and underscores, a letter or digit first; reports show it."""
    model: str | InlineShape
    """A preset (`berth models`), the path of a Hugging Face config.json beside this file, or a shape."""
    accelerator: str | AcceleratorPart
    """An accelerator or a slice of one by name (`berth catalog`), or one described here."""
    accelerators: Degree = 1
    """How many of them."""
    accelerators_per_node: Degree | None = None
    """How many share a host. Left out: 8 at most."""
    training: TrainingPart | None = None
    """Set this to train."""
    inference: InferencePart | None = None
    """Set this to serve."""

    def shape(self, folder: Path) -> ModelShape:
        """The model's shape; a config.json is looked for in the folder. Raises PlannerError where there is none."""
        if isinstance(self.model, InlineShape):
            return self.model.to_shape(self.name)
        return shape_called(self.model, folder)


def shape_called(name: str, folder: Path) -> ModelShape:
    """The shape of a preset, or of a config.json in the folder. Raises PlannerError where there is none."""
    return shape_from_config(folder / name) if name.endswith(".json") else load_preset(name)
