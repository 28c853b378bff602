"""Which training layouts fit, and how long does each take?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from planner.layout import LayoutGrid
from planner.legal import Space, legal_layouts
from planner.memory import peak_bytes, training_memory
from planner.offload import keeps_elsewhere, training_elsewhere
from planner.recipe import Place
from planner.recipes import Option, excluded_degrees
from planner.search import Demand, Floats, Mask, Part, Pool, Scope, nearest_misses, pool, rungs
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
    memo = _Memo(searched, job)
    for index, machine in enumerate(searched.machines):
        for number, option in enumerate(searched.options[index]):
            grid = memo.grid(machine, option)
            need = memo.need(machine, option)
            combines = _combines(option, grid)
            further = memo.further(machine, option)
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


@dataclass(slots=True)
class _Memo:
    """Layouts and memory needs, which machines with equally many devices and one vendor share."""

    searched: Scope
    job: TrainingJob
    grids: dict[tuple[str, int], LayoutGrid] = field(default_factory=dict)
    needs: dict[tuple[str, tuple[str, ...], int, str], Floats] = field(default_factory=dict)

    def grid(self, machine: InstanceType, option: Option) -> LayoutGrid:
        key = (option.framework.name, machine.devices)
        if key not in self.grids:
            self.grids[key] = legal_layouts(
                Space(
                    shape=self.searched.shape,
                    sequence_tokens=self.job.sequence_tokens,
                    global_batch=self.job.global_batch,
                    framework=option.framework,
                    devices_per_node=machine.devices,
                    max_nodes=self.searched.max_nodes,
                    pins=self.searched.pins,
                )
            )
        return self.grids[key]

    def need(self, machine: InstanceType, option: Option) -> Floats:
        """Bytes of the worst device of each layout, at the upper edge of the band."""
        vendor = machine.accelerator.vendor
        key = (option.framework.name, option.recipe.techniques, machine.devices, vendor)
        if key not in self.needs:
            shape, software = self.searched.shape, option.framework.software.name
            factors = self.searched.calibration.memory_factors(vendor, software, mixture=shape.experts > 0)
            need = training_memory(
                shape,
                option.recipe,
                self.grid(machine, option),
                self.job.sequence_tokens,
                option.framework,
                factors,
            )
            self.needs[key] = factors.band.high * peak_bytes(need)
        return self.needs[key]

    def further(self, machine: InstanceType, option: Option) -> tuple[Demand, ...]:
        """Bytes of host memory and of local disk that each layout asks of a node, where it asks for any."""
        if not keeps_elsewhere(option.recipe):
            return ()
        found = training_elsewhere(
            self.searched.shape,
            option.recipe,
            self.grid(machine, option),
            self.job.sequence_tokens,
            option.framework,
        )
        return (
            Demand(of="of host memory per node", need=found.host * machine.devices, have=machine.host_memory_bytes),
            Demand(of="of local disk per node", need=found.disk * machine.devices, have=machine.nvme_bytes),
        )
