"""Which training layouts fit, and how long does each take?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.layout import LayoutGrid, Mask
from planner.needs import Needs
from planner.recipe import Place
from planner.recipes import Option, excluded_degrees
from planner.search import Floats, Part, Pool, Scope, nearest_misses, pool, rungs
from planner.training_time import step_time
from planner.wall_clock import wall_clock
from pricing.instance_type import InstanceType


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """What a training run must do. Tokens, sequences."""

    sequence_tokens: int
    global_batch: int
    tokens: int

    @property
    def steps(self) -> int:
        """Optimizer steps of the run."""
        return -(-self.tokens // (self.sequence_tokens * self.global_batch))


def search_training(searched: Scope, job: TrainingJob) -> Pool:
    """Every layout that fits on every machine, with the seconds of its run, start-up included."""
    return pool(_parts(searched, job))


def _parts(searched: Scope, job: TrainingJob) -> Iterator[Part]:
    needs = Needs(searched, job.sequence_tokens, job.global_batch)
    for index, machine in enumerate(searched.machines):
        for number, option in enumerate(searched.options[index]):
            grid = needs.grid(machine, option)
            need = needs.device_bytes(machine, option)
            combines = _combines(option, grid)
            further = needs.further(machine, option)
            fits = combines & (need <= machine.device_memory_bytes)
            for demand in further:
                fits &= demand.need <= demand.have
            nodes = grid.devices // machine.devices
            rung = rungs(machine, grid.devices, option)
            fitting = grid.take(fits)
            step, known = _steps(searched, job, machine, option, fitting)
            chosen = fitting.take(known)
            clock = wall_clock(searched.shape, option.recipe, chosen.devices, machine, job.steps, step[known])
            yield Part(
                machine=index,
                option=number,
                layout=chosen,
                nodes=nodes[fits][known],
                replicas=np.ones(int(known.sum()), dtype=np.int64),
                rung=rung[fits][known],
                job_s=clock.run_s,
                rate=np.full(int(known.sum()), np.nan),
                misses=nearest_misses(
                    machine, option, grid, need, machine.device_memory_bytes, combines & ~fits, rung, further
                ),
                covered=len(grid),
                timed=len(fitting),
                untimed=bool(fits.any() and not known.any()),
            )


def _steps(
    searched: Scope, job: TrainingJob, machine: InstanceType, option: Option, grid: LayoutGrid
) -> tuple[Floats, Mask]:
    """Seconds of a step of each layout, and where they are known."""
    if not len(grid):
        return np.zeros(0), np.zeros(0, dtype=bool)
    factors = searched.calibration.time_factors(option.framework.software.name, machine.accelerator.name)
    step = step_time(searched.shape, option.recipe, grid, job.sequence_tokens, machine, factors).total
    return step, np.isfinite(step)


def _combines(option: Option, grid: LayoutGrid) -> Mask:
    """Where techniques work with the degrees: the recipe's sharding has ranks to share among, or the host to go to,
    and works with the pipeline in the framework."""
    framework, recipe = option.framework, option.recipe
    combines = np.ones(len(grid), dtype=bool)
    if not framework.piped_sharding.intersection(recipe.techniques):
        combines &= grid.pipeline == 1
    if recipe.optimizer_sharded and "replicated" in framework.techniques and recipe.optimizer_place is Place.DEVICE:
        combines &= grid.data * grid.context > 1
    for degree in excluded_degrees(recipe.techniques):
        combines &= getattr(grid, degree) == 1
    return combines
