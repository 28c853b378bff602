"""What would the planner have said of the speed of a measured run?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.calibration import Calibration
from planner.described import accelerator_called, machine_of
from planner.errors import PlannerError
from planner.layout import Layout
from planner.measured import Row
from planner.measured_serving import served_shape
from planner.measured_training import TrainingCase
from planner.recipe import Recipe
from planner.serving import Answer, Load, replica_answer, replica_memory
from planner.serving_memory import KV_BYTES, WEIGHT_BYTES
from planner.shape import ModelShape
from planner.training_time import step_time
from pricing.instance_type import InstanceType

# Engine of the planner whose factors are used, by the accelerator's vendor.
ENGINES = {"NVIDIA": "vllm", "AWS": "neuron-serving"}


def training_tokens_per_s(case: TrainingCase, calibration: Calibration) -> float:
    """Tokens a second and accelerator. Raises PlannerError with the cell that names what has no known rate."""
    row = case.row
    chip = accelerator_called(row.says("accelerator"))
    if chip.vendor not in case.framework.vendors:
        raise PlannerError([f"accelerator: {case.framework.name} does not run on {chip.name}"])
    per_node = row.count("accelerators_per_node") or min(8, row.count("accelerators", 1))
    machine = machine_of(chip, min(per_node, row.count("accelerators", 1)))
    factors = calibration.time_factors(case.speed, chip.name)
    step = step_time(case.shape, case.recipe, case.layout, case.sequence_tokens, machine, factors)
    seconds = float(step.total)
    if not np.isfinite(seconds):
        raise PlannerError(["accelerator: a rate of it, or of the network between nodes, is not known"])
    tokens = case.layout.global_batch * row.count("seq_len")
    return tokens / seconds / (case.layout.devices / chip.ranks)


def serving_answer(row: Row, calibration: Calibration) -> tuple[Answer, Layout]:
    """The replica's answer and its layout. Raises PlannerError with what its cells lack."""
    shape = served_shape(row.says("model"))
    chip = accelerator_called(row.says("accelerator"))
    engine = ENGINES.get(chip.vendor)
    if engine is None:
        raise PlannerError([f"accelerator: no engine is calibrated for {chip.vendor}"])
    if not row.count("input_tokens") or not row.count("output_tokens"):
        raise PlannerError(["input_tokens or output_tokens not stated"])
    recipe = serving_recipe(row)
    machine = machine_of(chip, row.count("accelerators", 1))
    factors = calibration.serving_factors(engine, chip.name)
    layout = Layout(tensor=row.count("tp") or machine.devices // row.count("pp", 1), pipeline=row.count("pp", 1))
    load = Load(
        input_tokens=row.count("input_tokens"),
        output_tokens=row.count("output_tokens"),
        context_tokens=row.count("input_tokens") + row.count("output_tokens"),
    )
    batch = row.count("concurrency") or _largest_batch(shape, recipe, layout, load, machine, calibration, engine)
    layout = replace(layout, micro_batch=max(batch, 1))
    answer = replica_answer(shape, recipe, layout, load, machine, factors)
    if not np.isfinite(float(answer.request_s)):
        raise PlannerError(["accelerator: a rate of it at this weight_dtype is not known"])
    return answer, layout


def serving_recipe(row: Row) -> Recipe:
    """How weights and cache are kept. Raises PlannerError for types whose bytes are not known."""
    weight = row.says("weight_dtype", "bf16")
    cached = row.says("kv_dtype", "fp8" if weight in ("fp8", "fp4") else "bf16")
    unknown = [name for name, known in ((weight, WEIGHT_BYTES), (cached, KV_BYTES)) if name not in known]
    if unknown:
        raise PlannerError([f"{' and '.join(unknown)}: how many bytes it takes is not known"])
    compute = weight if weight in ("fp8", "fp4") else "bf16"
    return replace(
        Recipe(),
        compute_dtype=compute,
        block_weight_bytes=WEIGHT_BYTES[weight],
        kv_bytes=KV_BYTES[cached],
    )


def cache_tokens(row: Row, calibration: Calibration) -> float:
    """Tokens that fit into the cache of an engine that takes a share of the device."""
    chip = accelerator_called(row.says("accelerator"))
    machine = machine_of(chip, row.count("accelerators", 1))
    factors = calibration.serving_factors(ENGINES[chip.vendor], chip.name)
    layout = Layout(tensor=row.count("tp", 1), pipeline=row.count("pp", 1))
    found = replica_memory(served_shape(row.says("model")), serving_recipe(row), layout, machine, factors)
    return float(found.capacity_tokens)


def _largest_batch(
    shape: ModelShape,
    recipe: Recipe,
    layout: Layout,
    load: Load,
    machine: InstanceType,
    calibration: Calibration,
    engine: str,
) -> int:
    """Requests that the engine takes at once where it chooses: those whose whole length the cache holds."""
    factors = calibration.serving_factors(engine, machine.accelerator.name)
    capacity = float(replica_memory(shape, recipe, layout, machine, factors).capacity_tokens)
    return int(capacity // load.context_tokens)
