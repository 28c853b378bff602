"""What does a measured serving row stand for: which engine, on what, under which kind of load?

Sources measure different things under the same names; the cells of a row say which (planner/data/measured/README.md).
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

from planner.calibration import Calibration, ServingFactors
from planner.described import accelerator_called, machine_of
from planner.engines import engine_called
from planner.errors import PlannerError
from planner.layout import Layout
from planner.measured import Row
from planner.measured_serving import check_types, served_shape
from planner.recipe import Recipe
from planner.replica import Replica
from planner.serving import Load, replica_of
from planner.serving_memory import KV_BYTES, OUTER_BYTES, WEIGHT_BYTES
from planner.serving_modes import Lengths
from planner.shape import ModelShape
from pricing.instance_type import Accelerator, InstanceType
from pricing.records import replace


class Way(StrEnum):
    """What a row's time or rate is of."""

    CLOSED = "closed loop"
    """So many clients, each with one request at a time."""
    PEAK = "peak"
    """A queue that never empties; the engine chooses how many are in flight."""
    STATIC = "static batch"
    """A batch that starts together, its prompts within the time."""
    DECODE = "decode alone"
    """A batch's rate without its prompts."""


# Engines without continuous batching; what they are called in rows.
STATIC_ENGINES = ("hf", "transformers", "autoawq", "deepspeed", "faster", "ft")
# Benchmarks with a nominal length vary it; their notes say by how much ("mean 0.9").
_MEAN_LENGTH = re.compile(r"mean 0?(\.\d+)")
# Mixtures of experts whose 4-bit checkpoints leave the weights outside the experts at 16 bits: gpt-oss, Kimi K2, and
# NVIDIA's of DeepSeek, Qwen3.5 and MiniMax (model cards and their quantization configs).
EXPERTS_ONLY = ("gpt-oss", "Kimi", "DeepSeek", "Qwen3.5", "MiniMax")
# Engines whose cache is as narrow as NVIDIA's checkpoints say, in rows that do not name its type.
NARROW_CACHE = ("vllm", "tensorrt")
# InferenceX and vLLM's benchmark send ten requests a client: the first of each come all at once.
FIRST_SHARE = 0.1
# TensorRT-LLM's static engines are built for a whole batch's prompts, of so many tokens at most.
LARGEST_BUILD = 32768


class ServingRun(Struct, frozen=True, kw_only=True):
    """A measured run in the planner's own records. `clients` is 0 where the engine chose how many are in flight."""

    row: Row
    engine: str
    way: Way
    shape: ModelShape
    recipe: Recipe
    layout: Layout
    machine: InstanceType
    lengths: Lengths
    clients: float

    @property
    def group(self) -> tuple[str, ModelShape, str]:
        """What must be left out together: rows of a source, of one shape by whatever name, on one accelerator."""
        return self.row.says("source"), replace(self.shape, name="", notes=()), self.machine.accelerator.name

    def factors(self, calibration: Calibration) -> ServingFactors:
        """Those of the engine, as this run started it."""
        factors = calibration.serving_factors(self.engine, self.machine.accelerator.name)
        if self.way is Way.STATIC:
            tokens = int(min(self.clients * self.lengths.prompt, LARGEST_BUILD))
            batched = max(tokens, factors.batched_tokens) if factors.batched_tokens else 0
            # Benchmarks of static batches send one prompt many times.
            largest = int(max(self.clients, 1))
            factors = replace(factors, spread=factors.alike, batched_tokens=batched, largest_batch=largest)
        return factors

    def replica(self, calibration: Calibration) -> Replica:
        """The replica that was measured."""
        factors = self.factors(calibration)
        tokens = int(self.lengths.prompt + self.lengths.answer)
        load = Load(input_tokens=tokens - 1, output_tokens=1, context_tokens=tokens)
        return replica_of(self.shape, self.recipe, self.layout, self.machine, factors, load)


def serving_run(row: Row, calibration: Calibration) -> ServingRun:
    """What a row stands for. Raises PlannerError with what its cells lack, or name that nobody knows."""
    shape = served_shape(row.says("model"))
    chip = accelerator_called(row.says("accelerator"))
    engine = engine_of(row, chip, calibration)
    if not row.count("input_tokens") or not row.count("output_tokens"):
        raise PlannerError(["input_tokens or output_tokens not stated"])
    machine = machine_of(chip, row.count("accelerators", 1))
    found = _MEAN_LENGTH.search(row.says("notes"))
    share = float(found.group(1)) if found else 1.0
    clients = _clients(row)
    return ServingRun(
        row=row,
        engine=engine,
        way=_way(row, clients),
        shape=shape,
        recipe=serving_recipe(row, chip, shape),
        layout=_layout(row, machine),
        machine=machine,
        lengths=Lengths(prompt=row.count("input_tokens") * share, answer=row.count("output_tokens") * share),
        clients=clients,
    )


def engine_of(row: Row, chip: Accelerator, calibration: Calibration) -> str:
    """The engine whose factors stand for a row's. PlannerError where none is known for it or its accelerator."""
    name = row.says("engine")
    found = engine_called(name, row.says("engine_version"), row.says("source"))
    if not found:
        known = ", ".join(sorted(calibration.serving))
        raise PlannerError([f"engine: {name or 'one not named'} is not calibrated; known are {known}"])
    if (chip.vendor == "AWS") is not found.startswith("neuron") or chip.vendor not in ("AWS", "NVIDIA"):
        raise PlannerError([f"accelerator: {found} is not calibrated for {chip.vendor}'s {chip.name}"])
    return found


def serving_recipe(row: Row, chip: Accelerator, shape: ModelShape) -> Recipe:
    """How weights and cache are kept. Raises PlannerError for types whose bytes are not known.

    On an accelerator without a rate in a narrow type its weights are unpacked and products are 16 bits wide (Marlin
    kernels, arXiv 2408.11743).
    """
    weight = row.says("weight_dtype", "bf16")
    name, narrow_cache = row.says("model"), row.says("engine").startswith(NARROW_CACHE)
    cached = row.says("kv_dtype", "fp8" if weight in ("fp8", "fp4") and narrow_cache else "bf16")
    check_types(weight, cached)
    narrow = {"mxfp4": "fp4"}.get(weight, weight)
    compute = narrow if narrow in ("fp8", "fp4") and narrow in chip.flop_per_s else "bf16"
    packed = WEIGHT_BYTES["mxfp4" if narrow == "fp4" and name.startswith("gpt-oss") else weight]
    outside = shape.experts and narrow in ("fp4", "int4") and name.startswith(EXPERTS_ONLY)
    return replace(
        Recipe(),
        compute_dtype=compute,
        block_weight_bytes=packed,
        dense_weight_bytes=OUTER_BYTES if outside else None,
        kv_bytes=KV_BYTES[cached],
    )


def _clients(row: Row) -> float:
    """Sequences in flight, or clients; 0 where the engine chose."""
    said = row.numbers.get("concurrency")
    return 0.0 if said is None and row.says("concurrency") else float(said or 0.0)


def _way(row: Row, clients: float) -> Way:
    notes, engine = row.says("notes"), row.says("engine")
    if "decode rate" in notes or engine.startswith("autoawq"):
        return Way.DECODE
    if "static batch" in notes or "first-token latency at batch" in notes or engine.startswith(STATIC_ENGINES):
        return Way.STATIC
    return Way.CLOSED if clients else Way.PEAK


def _layout(row: Row, machine: InstanceType) -> Layout:
    """Tensor and pipeline degrees. Where rows say neither, devices are tensor ranks; AutoAWQ's hold layers."""
    pipeline = row.count("pp", 1)
    tensor = 1 if row.says("engine").startswith("autoawq") else row.count("tp") or max(machine.devices // pipeline, 1)
    return Layout(tensor=tensor, pipeline=pipeline, expert=max(row.count("ep", 1), 1))
