"""What would the planner have said of a measured run with weights, or a cache, off the device?

A row says which engine, how many sequences, and that something lay on the host or on disk; not how a block was cut into
batches, nor where the cache lay. Both are taken to have been chosen well: the cache stays on the device where there is
room, else on the host, and the block is cut as is fastest of what fits.
"""

from __future__ import annotations

import numpy as np

from planner.calibration import Calibration
from planner.described import accelerator_called, machine_of
from planner.errors import PlannerError
from planner.framework import load_frameworks
from planner.layout import LayoutGrid
from planner.measured import Row
from planner.measured_serving import served_shape
from planner.recipe import Place, Recipe
from planner.serving import Load
from planner.serving_answers import Figures
from planner.serving_runs import engine_of, serving_recipe
from planner.shape import ModelShape
from planner.streamed_memory import streamed_memory
from planner.streamed_time import streamed_replica
from pricing.instance_type import InstanceType
from pricing.records import replace

# What rows call the places.
PLACES = {"cpu": Place.HOST, "disk": Place.DISK}


def streams(row: Row) -> bool:
    """Whether a row says that something lay off the device."""
    return row.says("offload", "none") in PLACES


def streamed_figures(row: Row, calibration: Calibration) -> Figures:
    """The figures of a block of all sequences of a row. Raises PlannerError with what its cells lack."""
    chip, shape = accelerator_called(row.says("accelerator")), served_shape(row.says("model"))
    engine = engine_of(row, chip, calibration)
    known = {name: item for name, item in load_frameworks().items() if item.streaming}
    if engine not in known:
        raise PlannerError([f"offload: how {engine} moves it is not known; known are {', '.join(known)}"])
    if not row.count("input_tokens") or not row.count("output_tokens") or not row.count("concurrency"):
        raise PlannerError(["input_tokens, output_tokens or concurrency not stated"])
    recipe = serving_recipe(row, chip, shape)
    if "bf16" not in chip.flop_per_s:
        recipe = replace(recipe, compute_dtype="fp16")
    recipe = replace(recipe, weights_place=PLACES[row.says("offload")])
    machine = machine_of(chip, row.count("accelerators", 1))
    found = [
        each
        for place in (Place.DEVICE, Place.HOST)
        if (each := _best(row, shape, replace(recipe, kv_place=place), machine, engine, calibration))
    ]
    if not found:
        raise PlannerError([f"concurrency: {row.count('concurrency')} sequences do not fit {chip.name}, however cut"])
    return min(found, key=lambda figures: -figures.tokens_per_s)


def _best(
    row: Row, shape: ModelShape, recipe: Recipe, machine: InstanceType, engine: str, calibration: Calibration
) -> Figures | None:
    """The fastest way to cut the block; None where no batch fits the device."""
    framework, factors = load_frameworks()[engine], calibration.serving_factors(engine, machine.accelerator.name)
    assert framework.streaming
    prompt, answer, block = (row.count(name) for name in ("input_tokens", "output_tokens", "concurrency"))
    most = framework.streaming.batches_per_block
    sizes = [size for size in range(1, block + 1) if block % size == 0]
    cuts = [size for size in sizes if size <= factors.largest_batch and block // size <= most]
    if not cuts:
        return None
    load = Load(input_tokens=prompt, output_tokens=answer, context_tokens=prompt + answer)
    grid = LayoutGrid.of({"micro_batch": np.array(cuts), "micro_batches": np.array([block // size for size in cuts])})
    memory = streamed_memory(shape, recipe, load, grid, machine, calibration, splits=framework.streaming.splits)
    grid_fits = np.asarray(memory.total <= machine.device_memory_bytes)
    if not grid_fits.any():
        return None
    kept = memory.kept_here, memory.kept_on_host
    streamed = streamed_replica(shape, recipe, framework.streaming, machine, factors, kept=kept)
    first, further = streamed.block_s(grid.micro_batch, grid.micro_batches, load.lengths)
    whole = np.where(grid_fits, first + further, np.inf)
    at = int(np.argmin(whole))
    if not np.isfinite(whole[at]):
        raise PlannerError(["accelerator: a rate of it, or of the disks beside it, is not known"])
    return Figures(
        ttft_s=float(np.broadcast_to(first, whole.shape)[at]),
        tpot_s=float(np.broadcast_to(further, whole.shape)[at]) / max(answer - 1, 1),
        tokens_per_s=block * answer / float(whole[at]),
    )
