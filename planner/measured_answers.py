"""What would the planner have said of the speed of a measured run?"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from planner.calibration import Calibration, ServingFactors
from planner.described import accelerator_called, machine_of
from planner.errors import PlannerError
from planner.layout import Layout
from planner.measured import Row
from planner.measured_serving import check_types, served_shape
from planner.measured_training import TrainingCase
from planner.recipe import Recipe
from planner.serving import Answer, Load, replica_answer, replica_memory
from planner.serving_memory import KV_BYTES, OUTER_BYTES, WEIGHT_BYTES
from planner.shape import ModelShape
from planner.training_time import step_time
from pricing.instance_type import Accelerator, InstanceType

# Engine of the planner whose factors are used, by the accelerator's vendor.
ENGINES = {"NVIDIA": "vllm", "AWS": "neuron-serving"}
# The share of the device that an engine was given, in a row's notes; and the release in its cell.
_SHARE = re.compile(r"(?:util|fraction)\D{0,12}(0\.\d+)")
_RELEASE = re.compile(r"(\d+)\.(\d+)")
# vLLM's first release with an all-reduce of its own, and the fewest tokens that releases before it batch.
OWN_REDUCE = (0, 3)
LEAST_BATCHED = 2048


def engine_on(chip: Accelerator) -> str:
    """The planner's engine whose factors stand for what runs on the accelerator; PlannerError where none does."""
    if chip.vendor not in ENGINES:
        raise PlannerError([f"accelerator: no engine is calibrated for {chip.vendor}"])
    return ENGINES[chip.vendor]


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
    engine = engine_on(chip)
    if not row.count("input_tokens") or not row.count("output_tokens"):
        raise PlannerError(["input_tokens or output_tokens not stated"])
    recipe = serving_recipe(row, chip)
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


def output_tokens_per_s(row: Row, calibration: Calibration) -> float:
    """Output tokens a second of the replica. Raises as `serving_answer` does."""
    answer, layout = serving_answer(row, calibration)
    return float(layout.micro_batch * row.count("output_tokens") / answer.request_s)


def ttft_ms(row: Row, calibration: Calibration) -> float:
    """Mean milliseconds to the first token. Raises as `serving_answer` does."""
    return 1e3 * float(serving_answer(row, calibration)[0].ttft_s)


def tpot_ms(row: Row, calibration: Calibration) -> float:
    """Mean milliseconds from one token to the next. Raises as `serving_answer` does."""
    return 1e3 * float(serving_answer(row, calibration)[0].tpot_s)


def serving_recipe(row: Row, chip: Accelerator) -> Recipe:
    """How weights and cache are kept. Raises PlannerError for types whose bytes are not known.

    On an accelerator without a rate in a narrow type its weights are unpacked and products are 16 bits wide (Marlin
    kernels, arXiv 2408.11743).
    """
    weight = row.says("weight_dtype", "bf16")
    cached = row.says("kv_dtype", "fp8" if weight in ("fp8", "fp4") else "bf16")
    check_types(weight, cached)
    narrow = {"mxfp4": "fp4"}.get(weight, weight)
    compute = narrow if narrow in ("fp8", "fp4") and narrow in chip.flop_per_s else "bf16"
    return replace(
        Recipe(),
        compute_dtype=compute,
        block_weight_bytes=WEIGHT_BYTES[weight],
        kv_bytes=KV_BYTES[cached],
    )


def cache_tokens(row: Row, calibration: Calibration) -> float:
    """Tokens that fit into the cache of an engine that takes a share of the device.

    Raises PlannerError with the cell that does not say enough, or where the cache has no room at all.
    """
    chip = accelerator_called(row.says("accelerator"))
    engine = engine_on(chip)
    machine = machine_of(chip, row.count("accelerators", 1))
    shape = served_shape(row.says("model"))
    layout = Layout(tensor=row.count("tp", 1), pipeline=row.count("pp", 1))
    factors = _as_started(calibration.serving_factors(engine, chip.name), shape, row)
    found = float(replica_memory(shape, serving_recipe(row, chip), layout, machine, factors).capacity_tokens)
    if not found:
        raise PlannerError([f"accelerator: {chip.name} has no room for a cache beside the weights"])
    return found


def _as_started(factors: ServingFactors, shape: ModelShape, row: Row) -> ServingFactors:
    """The engine's factors as this run started it: the share of the device that its notes name, and its release.

    Releases before 0.3 work on the longest prompt in one step, and tensor ranks add up by NCCL: its streams keep every
    sum until the profiled pass is over (torch.Tensor.record_stream), two a block.
    """
    share = _SHARE.search(row.says("notes"))
    if share:
        factors = replace(factors, memory_share=float(share.group(1)))
    release = _RELEASE.match(row.says("engine_version"))
    if row.says("engine") == "vllm" and release and (int(release[1]), int(release[2])) < OWN_REDUCE:
        tokens = max(shape.context_tokens, LEAST_BATCHED)
        sums = 2 * shape.layers * tokens * shape.hidden * OUTER_BYTES if row.count("tp", 1) > 1 else 0.0
        factors = replace(factors, batched_tokens=tokens, reserve_bytes=factors.reserve_bytes + int(sums))
    return factors


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
