"""What would the planner have said of the speed of a measured run?"""

from __future__ import annotations

import re

import numpy as np

from planner.calibration import Calibration, ServingFactors
from planner.described import accelerator_called, machine_of
from planner.engines import release_of
from planner.errors import PlannerError
from planner.layout import Layout
from planner.measured import Row
from planner.measured_serving import served_shape
from planner.measured_training import TrainingCase
from planner.serving import replica_memory
from planner.serving_answers import Figures, run_figures
from planner.serving_memory import OUTER_BYTES
from planner.serving_runs import engine_of, serving_recipe, serving_run
from planner.shape import ModelShape
from planner.streamed_runs import streamed_figures, streams
from planner.training_time import step_time
from pricing.records import replace

# The share of the device that an engine was given, in a row's notes.
_SHARE = re.compile(r"(?:util|fraction)\D{0,12}(0\.\d+)")
# vLLM's first release with an all-reduce of its own, and the fewest tokens that releases before it batch; the first
# whose default is more sequences on large devices than EARLIER_BATCH.
OWN_REDUCE = (0, 3)
LARGE_BATCHES = (0, 8)
EARLIER_BATCH = 256
LEAST_BATCHED = 2048
# The tokens of a step that an engine was given, in a row's notes.
_BATCHED = re.compile(r"max batched tokens (\d+)")


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


def serving_figures_of(row: Row, calibration: Calibration) -> Figures:
    """The replica's figures as the row measured them. Raises PlannerError with what its cells lack."""
    if streams(row):
        return streamed_figures(row, calibration)
    run = serving_run(row, calibration)
    found = run_figures(run, calibration)
    if not np.isfinite(float(found.tpot_s)):
        raise PlannerError(["accelerator: a rate of it at this weight_dtype is not known"])
    return found


def output_tokens_per_s(row: Row, calibration: Calibration) -> float:
    """Output tokens a second of the replica. Raises as `serving_figures_of` does."""
    return float(serving_figures_of(row, calibration).tokens_per_s)


def ttft_ms(row: Row, calibration: Calibration) -> float:
    """Mean milliseconds to the first token. Raises as `serving_figures_of` does."""
    return 1e3 * float(serving_figures_of(row, calibration).ttft_s)


def tpot_ms(row: Row, calibration: Calibration) -> float:
    """Mean milliseconds from one token to the next. Raises as `serving_figures_of` does."""
    return 1e3 * float(serving_figures_of(row, calibration).tpot_s)


def cache_tokens(row: Row, calibration: Calibration) -> float:
    """Tokens that fit into the cache of an engine that takes a share of the device.

    Raises PlannerError with the cell that does not say enough, or where the cache has no room at all.
    """
    chip = accelerator_called(row.says("accelerator"))
    engine = engine_of(row, chip, calibration)
    machine = machine_of(chip, row.count("accelerators", 1))
    shape = served_shape(row.says("model"))
    layout = Layout(tensor=row.count("tp", 1), pipeline=row.count("pp", 1))
    factors = _as_started(calibration.serving_factors(engine, chip.name), shape, row)
    found = float(replica_memory(shape, serving_recipe(row, chip, shape), layout, machine, factors).capacity_tokens)
    if not found:
        raise PlannerError([f"accelerator: {chip.name} has no room for a cache beside the weights"])
    return found


def _as_started(factors: ServingFactors, shape: ModelShape, row: Row) -> ServingFactors:
    """The engine's factors as this run started it: the share of the device and the tokens of a step that its notes
    name, and its release.

    Releases before 0.3 work on the longest prompt in one step, and tensor ranks add up by NCCL: its streams keep every
    sum until the profiled pass is over (torch.Tensor.record_stream), two a block.
    """
    share = _SHARE.search(row.says("notes"))
    if share:
        factors = replace(factors, memory_share=float(share.group(1)))
    release = release_of(row.says("engine_version"))
    batched = _BATCHED.search(row.says("notes"))
    if batched:
        factors = replace(factors, batched_tokens=int(batched.group(1)))
    if row.says("engine") == "vllm" and release and release < LARGE_BATCHES:
        factors = replace(factors, largest_batch=min(factors.largest_batch, EARLIER_BATCH))
    if row.says("engine") == "vllm" and release and release < OWN_REDUCE:
        tokens = max(shape.context_tokens, LEAST_BATCHED)
        sums = 2 * shape.layers * tokens * shape.hidden * OUTER_BYTES if row.count("tp", 1) > 1 else 0.0
        factors = replace(factors, batched_tokens=tokens, reserve_bytes=factors.reserve_bytes + int(sums))
    return factors
