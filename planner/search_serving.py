"""Which replicas fit and answer in time, and how large a fleet does the load take?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from planner.calibration import ServingFactors
from planner.fleet_size import spare_nodes
from planner.layout import Ints, LayoutGrid
from planner.legal import Space
from planner.recipes import Option
from planner.search import Floats, Mask, Part, Pool, Scope, nearest_misses, pool, rungs
from planner.serving import Answer, Load, replica_answer, replica_memory, wanted_tokens
from planner.serving_layouts import serving_layouts
from planner.workload import Inference
from pricing.instance_type import InstanceType


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingJob:
    """What a fleet must do: a rate or requests in flight, within limits on the mean answer. Requests/s, s.

    `headroom` may come on top of the load, as a share of it; what `spare` names (a node, a zone) may be lost.
    """

    load: Load
    requests_per_s: float | None
    concurrency: int | None
    ttft_s: float
    tpot_s: float
    headroom: float = 0.0
    spare: str = "none"


def load_of(inference: Inference) -> Load:
    """What a request of the workload looks like."""
    return Load(
        input_tokens=inference.input_tokens,
        output_tokens=inference.output_tokens,
        context_tokens=inference.context_tokens,
        known_share=inference.prefix_cache_hit_rate,
    )


def search_serving(searched: Scope, job: ServingJob, further: Iterable[Part] = ()) -> Pool:
    """Every replica that fits and answers in time on every machine, with the fleet that the load takes; `further` kinds
    of fleet stand beside them."""
    return pool(chain((_part(job, each) for each in rooms(searched, job)), further))


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a machine has room for under an option: the layouts of replicas, what each needs of a device, and which
    fit. Bytes; the need has the cache of all requests at full length."""

    searched: Scope
    machine: InstanceType
    option: Option
    places: tuple[int, int]
    factors: ServingFactors
    grid: LayoutGrid
    need: Floats
    have: float

    @property
    def fits(self) -> Mask:
        """Which layouts fit."""
        return np.asarray(self.need <= self.have)


def rooms(searched: Scope, job: ServingJob) -> Iterator[Room]:
    """The room of every machine under each of its options."""
    layouts = _Layouts(searched)
    for index, machine in enumerate(searched.machines):
        for number, option in enumerate(searched.options[index]):
            factors = searched.calibration.serving_factors(option.framework.name, machine.accelerator.name)
            grid = layouts.of(option, machine, factors)
            tokens = job.load.input_tokens + job.load.output_tokens
            memory = replica_memory(searched.shape, option.recipe, grid, machine, factors, tokens)
            cache = wanted_tokens(job.load, grid) * memory.cache_per_token / factors.cache_share
            yield Room(
                searched=searched,
                machine=machine,
                option=option,
                places=(index, number),
                factors=factors,
                grid=grid,
                need=np.asarray(memory.beside_cache + cache),
                have=factors.usable_share * machine.device_memory_bytes,
            )


def _part(job: ServingJob, room: Room) -> Part:
    searched, machine, option, factors, grid = room.searched, room.machine, room.option, room.factors, room.grid
    fits = room.fits
    rung = rungs(machine, grid.devices, option)
    chosen = grid.take(fits)
    answer = replica_answer(searched.shape, option.recipe, chosen, job.load, machine, factors)
    replicas = _replicas(job, chosen, answer)
    nodes = _fleet_nodes(chosen, machine, replicas, job.spare)
    kept = _in_time(job, answer) & (nodes <= searched.max_nodes)
    if "nodes" in searched.pins:
        kept &= nodes == searched.pins["nodes"]
    return Part(
        machine=room.places[0],
        option=room.places[1],
        layout=chosen.take(kept),
        nodes=nodes[kept],
        replicas=replicas[kept],
        rung=rung[fits][kept],
        job_s=np.asarray(answer.request_s)[kept],
        rate=np.asarray(answer.requests_per_s)[kept],
        misses=nearest_misses(machine, option, grid, room.need, room.have, ~fits, rung),
        covered=len(grid),
        timed=len(chosen),
    )


class _Layouts:
    """Layouts of replicas, of which machines with as many devices have the same."""

    def __init__(self, searched: Scope) -> None:
        self._searched = searched
        self._known: dict[tuple[str, int, int], LayoutGrid] = {}

    def of(self, option: Option, machine: InstanceType, factors: ServingFactors) -> LayoutGrid:
        """Every layout of a replica on such machines."""
        key = option.framework.name, machine.devices, factors.largest_batch
        if key not in self._known:
            space = Space(
                shape=self._searched.shape,
                sequence_tokens=1,
                global_batch=1,
                framework=option.framework,
                devices_per_node=machine.devices,
                max_nodes=self._searched.max_nodes,
                pins=self._searched.pins,
            )
            self._known[key] = serving_layouts(space, factors.largest_batch)
        return self._known[key]


def _in_time(job: ServingJob, answer: Answer) -> Mask:
    fast = (answer.ttft_s <= job.ttft_s) & (answer.tpot_s <= job.tpot_s)
    return np.asarray(np.isfinite(answer.request_s) & fast)


def _replicas(job: ServingJob, grid: LayoutGrid, answer: Answer) -> Ints:
    """Replicas that carry the load with its head-room."""
    if job.concurrency is not None:
        wanted = math.ceil(job.concurrency * (1 + job.headroom))
        return -(-wanted // grid.micro_batch)
    needed = np.asarray((job.requests_per_s or 0.0) * (1 + job.headroom) / answer.requests_per_s)
    return np.ceil(np.where(np.isfinite(needed), needed, 1.0)).astype(np.int64)


def _fleet_nodes(grid: LayoutGrid, machine: InstanceType, replicas: Ints, spare: str) -> Ints:
    """Instances of the fleet, with the spare ones: several replicas share one where they fit."""
    per_node = np.maximum(machine.devices // grid.devices, 1)
    nodes_each = np.maximum(grid.devices // machine.devices, 1)
    nodes = -(-replicas // per_node) * nodes_each
    return np.asarray(nodes + spare_nodes(nodes, nodes_each, spare))
