"""Which training layouts fit, and how long does each take?"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from planner.layout import Ints, LayoutGrid, Mask, concatenate
from planner.machines import Machines, factors_on
from planner.needs import Needs
from planner.plan import Rung
from planner.recipe import Place
from planner.recipes import Option, excluded_degrees
from planner.search import Demand, Floats, Miss, Part, Pool, Scope, nearest_misses, pool, rungs
from planner.training_time import step_time
from planner.wall_clock import wall_clock
from pricing.instance_type import InstanceType
from pricing.records import replace

# Arrays of as many rows stay in a processor's cache from one operation to the next.
ROWS_AT_ONCE = 8192


class TrainingJob(Struct, frozen=True, kw_only=True):
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
    needs = Needs(searched, job.sequence_tokens, job.global_batch)
    fits: dict[Hashable, _Fits] = {}
    found = []
    for index, (machine, options) in enumerate(zip(searched.machines, searched.options, strict=True)):
        for number, option in enumerate(options):
            further = needs.further(machine, option)
            # Types that differ in their hosts alone are many, and the same layouts fit on all of them.
            kind = _kind(machine, option, further)
            if kind not in fits:
                fits[kind] = _fits(needs, machine, option, further)
            found.append(_Fitting(machine=index, number=number, option=option, fits=fits[kind]))
    return pool(_part(searched, item, run_s) for item, run_s in zip(found, _run_s(searched, job, found), strict=True))


class _Fits(Struct, frozen=True, kw_only=True):
    """The layouts of an option that fit on machines of a kind, and what does not."""

    layout: LayoutGrid
    nodes: Ints
    rung: Ints
    misses: dict[Rung, Miss]
    covered: int


class _Fitting(Struct, frozen=True, kw_only=True):
    """What fits of one (instance type, option), by their indices in the scope."""

    machine: int
    number: int
    option: Option
    fits: _Fits


def _kind(machine: InstanceType, option: Option, further: Sequence[Demand]) -> Hashable:
    """What decides on the layouts that fit."""
    chip, had = machine.accelerator, tuple(demand.have for demand in further)
    node = (machine.devices, machine.device_memory_bytes, chip.ranks, chip.vendor)
    return option.framework.name, option.recipe, option.extra, node, had


def _fits(needs: Needs, machine: InstanceType, option: Option, further: Sequence[Demand]) -> _Fits:
    grid, need = needs.grid(machine, option), needs.device_bytes(machine, option)
    combines = _combines(option, grid)
    fits = combines & (need <= machine.device_memory_bytes)
    for demand in further:
        fits &= demand.need <= demand.have
    rung, layout = rungs(machine, grid.devices, option), grid.take(fits)
    missed = combines & ~fits
    return _Fits(
        layout=layout,
        nodes=layout.devices // machine.devices,
        rung=rung[fits],
        misses=nearest_misses(machine, option, grid, need, machine.device_memory_bytes, missed, rung, further),
        covered=len(grid),
    )


def _run_s(searched: Scope, job: TrainingJob, found: Sequence[_Fitting]) -> Iterator[Floats]:
    """Seconds of each layout's run, in the order of what was found; NaN where they are not known.

    Machines with the same recipe are timed together.
    """
    together: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, item in enumerate(found):
        together.setdefault((item.option.framework.name, item.option.recipe.techniques), []).append(place)
    seconds: dict[int, Floats] = {}
    for places in together.values():
        items = [found[place] for place in places]
        ends = np.cumsum([len(item.fits.layout) for item in items])
        seconds.update(zip(places, np.split(_timed(searched, job, items), ends[:-1]), strict=True))
    return (seconds[place] for place in range(len(found)))


def _timed(searched: Scope, job: TrainingJob, items: Sequence[_Fitting]) -> Floats:
    """Seconds of the runs of all layouts of one recipe, one machine after the other."""
    option, layout = items[0].option, concatenate([item.fits.layout for item in items])
    used = tuple(searched.machines[item.machine] for item in items)
    software, tables = option.framework.software.name, searched.calibration
    factors = [tables.time_factors(software, machine.accelerator.name) for machine in used]
    of = np.repeat(np.arange(len(items)), [len(item.fits.layout) for item in items])
    found = [np.zeros(0)]
    for start in range(0, len(layout), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        machines, part = Machines(each=used, of=of[rows]), layout.take(rows)
        there = factors_on(machines, factors)
        step_s = step_time(searched.shape, option.recipe, part, job.sequence_tokens, machines, there).total
        found.append(wall_clock(searched.shape, option.recipe, part.devices, machines, job.steps, step_s).run_s)
    return np.concatenate(found)


def _part(searched: Scope, item: _Fitting, run_s: Floats) -> Part:
    fits, machine, known = item.fits, searched.machines[item.machine], np.isfinite(run_s)
    count = int(known.sum())
    # Nearly always all are, and a slice copies nothing.
    rows = known if count < len(known) else slice(None)
    return Part(
        machine=item.machine,
        option=item.number,
        layout=fits.layout.take(rows),
        nodes=fits.nodes[rows],
        replicas=np.ones(count, dtype=np.int64),
        rung=fits.rung[rows],
        job_s=run_s[rows],
        rate=np.full(count, np.nan),
        misses={rung: replace(miss, machine=machine) for rung, miss in fits.misses.items()},
        covered=fits.covered,
        timed=len(fits.layout),
        untimed=len(fits.layout) > 0 and not count,
    )


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
