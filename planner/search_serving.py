"""Which replicas fit and answer in time, and how large a fleet does the load take?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from msgspec import Struct

from planner.calibration import ServingFactors
from planner.fleet_size import spare_nodes
from planner.layout import Ints, LayoutGrid, Mask
from planner.legal import Space, powers
from planner.models import load_preset
from planner.recipe import Adapter
from planner.recipes import Option
from planner.search import Demand, Floats, Part, Pool, Scope, nearest_misses, pool, rungs
from planner.served_adapters import ServedAdapters
from planner.serving import Answer, Load, held_tokens, replica_answer, replica_memory
from planner.serving_fields import OWN_BLOCKS, PROMPT_LOOKUP, Adapters, Speculative
from planner.serving_layouts import serving_layouts
from planner.shape import ModelShape
from planner.speculation import Speculation, drafts_of_its_own
from planner.workload import Inference
from pricing.instance_type import InstanceType
from pricing.records import replace


class ServingJob(Struct, frozen=True, kw_only=True):
    """What a fleet must do: a rate or requests in flight, within limits on the mean answer. Requests/s, s.

    `headroom` may come on top of the load, as a share of it; what `spare` names (a node, a zone) may be lost. Further
    models take the devices that `beside` names by machine, and `beside_tokens_per_s` in and out.
    """

    load: Load
    requests_per_s: float | None
    concurrency: int | None
    ttft_s: float
    tpot_s: float
    headroom: float = 0.0
    spare: str = "none"
    beside: Mapping[str, int] | None = None
    beside_tokens_per_s: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether a model answers prompts alone: without drafts, adapters, embeddings or other models beside it."""
        load = self.load
        return not (load.speculation or load.adapters or load.pools or self.beside)


def load_of(inference: Inference, shape: ModelShape) -> Load:
    """What a request of the workload looks like to a model."""
    return Load(
        input_tokens=inference.input_tokens,
        output_tokens=inference.output_tokens,
        context_tokens=inference.context_tokens,
        known_share=inference.prefix_cache_hit_rate,
        speculation=_speculation(inference.speculative, shape) if inference.speculative else None,
        adapters=_adapters(inference.adapters) if inference.adapters else None,
    )


def _speculation(asked: Speculative, shape: ModelShape) -> Speculation:
    plain = Speculation(name=asked.draft, tokens=asked.tokens, acceptance=asked.acceptance)
    if asked.draft == PROMPT_LOOKUP:
        return plain
    if asked.draft in OWN_BLOCKS:
        return replace(plain, draft=drafts_of_its_own(shape), shares_ends=True)
    return replace(plain, draft=load_preset(asked.draft))


def _adapters(asked: Adapters) -> ServedAdapters:
    return ServedAdapters(
        count=asked.count, adapter=Adapter(rank=asked.rank, targets=asked.targets), loaded=asked.loaded
    )


def search_serving(
    searched: Scope, job: ServingJob, further: Iterable[Part] = (), known: Iterable[Room] | None = None
) -> Pool:
    """Every replica that fits and answers in time on every machine, with the fleet that the load takes; `further` kinds
    of fleet stand beside them. `known` are the rooms, where they are."""
    found = rooms(searched, job) if known is None else known
    return pool(chain((_part(job, each) for each in found), further))


class Room(Struct, frozen=True, kw_only=True):
    """What a machine has room for under an option: the layouts of replicas, what each needs of a device, and which
    fit. Bytes; the need has the cache of all requests at full length, `further` is what is asked for beside."""

    searched: Scope
    machine: InstanceType
    option: Option
    places: tuple[int, int]
    factors: ServingFactors
    grid: LayoutGrid
    need: Floats
    have: float
    further: tuple[Demand, ...]

    @property
    def fits(self) -> Mask:
        """Which layouts fit."""
        beside = (each.need <= each.have for each in self.further)
        return np.asarray(np.all([self.need <= self.have, *beside], axis=0))


def rooms(searched: Scope, job: ServingJob) -> Iterator[Room]:
    """The room of every machine under each of its options."""
    known: dict[tuple[str, int, int], LayoutGrid] = {}
    for index, machine in enumerate(searched.machines):
        for number, option in enumerate(searched.options[index]):
            factors = searched.calibration.serving_factors(option.framework.name, machine.accelerator.name)
            # Machines with as many devices have the same layouts.
            key = option.framework.name, machine.devices, factors.largest_batch
            if key not in known:
                known[key] = _asked(job, replica_layouts(searched, option, machine, powers(factors.largest_batch)))
            yield _room(searched, job, (index, number), factors, known[key])


def _asked(job: ServingJob, grid: LayoutGrid) -> LayoutGrid:
    """The layouts that can do what is asked: nobody knows how data ranks share drafts, adapters or other models."""
    grid = grid if job.plain else grid.take(grid.data == 1)
    return grid.take(job.load.speculation.runs_on(grid)) if job.load.speculation else grid


def _room(searched: Scope, job: ServingJob, places: tuple[int, int], factors: ServingFactors, grid: LayoutGrid) -> Room:
    machine, option = searched.machines[places[0]], searched.options[places[0]][places[1]]
    if job.beside:
        # Sizes that divide the node fill it without gaps.
        grid = grid.take((machine.devices % grid.devices == 0) | (grid.devices % machine.devices == 0))
    memory = replica_memory(searched.shape, option.recipe, grid, machine, factors, job.load)
    wanted = held_tokens(job.load, grid.micro_batch, factors.batched_tokens, grid.data)
    return Room(
        searched=searched,
        machine=machine,
        option=option,
        places=places,
        factors=factors,
        grid=grid,
        need=np.asarray(memory.need_bytes(wanted, factors.cache_share)),
        further=_host_demands(searched, job.load, grid, machine),
        have=factors.usable_share * machine.device_memory_bytes,
    )


def _part(job: ServingJob, room: Room) -> Part:
    searched, machine, option, factors, grid = room.searched, room.machine, room.option, room.factors, room.grid
    fits = room.fits
    rung = rungs(machine, grid.devices, option)
    chosen = grid.take(fits)
    answer = replica_answer(searched.shape, option.recipe, chosen, job.load, machine, factors)
    replicas = _replicas(job, chosen, answer)
    nodes = fleet_nodes(chosen, machine, replicas, job)
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
        misses=nearest_misses(machine, option, grid, room.need, room.have, ~fits, rung, room.further),
        covered=len(grid),
        timed=len(chosen),
    )


def _host_demands(searched: Scope, load: Load, grid: LayoutGrid, machine: InstanceType) -> tuple[Demand, ...]:
    """What each layout's replicas on a node keep in its host memory: all adapters, each replica its own copy."""
    if load.adapters is None:
        return ()
    copies = np.maximum(machine.devices // grid.devices, 1)
    need = copies * load.adapters.host_bytes(searched.shape)
    return (Demand(of="of host memory", need=need, have=machine.host_memory_bytes),)


def replica_layouts(searched: Scope, option: Option, machine: InstanceType, in_flight: Sequence[int]) -> LayoutGrid:
    """Every layout of a replica, each with so many requests in flight on every data rank."""
    space = Space(
        shape=searched.shape,
        sequence_tokens=1,
        global_batch=1,
        framework=option.framework,
        devices_per_node=machine.devices,
        max_nodes=searched.max_nodes,
        pins=searched.pins,
    )
    return serving_layouts(space, in_flight)


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


def fleet_nodes(grid: LayoutGrid, machine: InstanceType, replicas: Ints, job: ServingJob) -> Ints:
    """Instances of the fleet, with the spare ones: several replicas share one where they fit, further models too."""
    per_node = np.maximum(machine.devices // grid.devices, 1)
    nodes_each = np.maximum(grid.devices // machine.devices, 1)
    nodes = -(-replicas // per_node) * nodes_each
    if job.beside:
        nodes = -(-(replicas * grid.devices + job.beside[machine.name]) // machine.devices)
    return np.asarray(nodes + spare_nodes(nodes, nodes_each, job.spare))
