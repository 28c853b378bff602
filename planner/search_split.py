"""Would replicas for prompts and others for answers carry the load with fewer instances?

On every machine, under each option of an engine that hands caches over: every layout for prompts with every layout for
answers, the latter with as many requests in flight as give it the highest rate within the limit. Of all pairs that keep
the limits the one on fewest nodes is left, the plainer and faster of several: no other is cheaper on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from msgspec import Struct

from planner.fleet_size import spare_nodes
from planner.handover import Answers, Demanded, Roles, Served, Sized, answers_of, prompts_of, roles, sized
from planner.layout import Ints, LayoutGrid
from planner.search import Part, Partner, rungs
from planner.search_serving import Room, ServingJob
from pricing.instance_type import InstanceType

_DEGREES = ("tensor", "pipeline", "data", "expert")


def split_parts(known: Iterable[Room], job: ServingJob) -> Iterator[Part]:
    """The best split fleet of each machine and option that has any; `known` are the rooms of planner.search_serving."""
    for room in known:
        part = _part(job, room) if room.option.framework.hands_over else None
        if part:
            yield part


def demanded(job: ServingJob) -> Demanded:
    """What a split fleet must carry."""
    grown = 1 + job.headroom
    rate, at_once = job.requests_per_s, job.concurrency
    return Demanded(
        requests_per_s=None if rate is None else rate * grown,
        concurrency=None if at_once is None else np.ceil(at_once * grown),
        ttft_s=job.ttft_s,
    )


def _part(job: ServingJob, room: Room) -> Part | None:
    grid = room.grid.take(room.fits)
    if not len(grid):
        return None
    served = Served(
        shape=room.searched.shape,
        recipe=room.option.recipe,
        machine=room.machine,
        factors=room.factors,
        load=job.load,
    )
    found = _Side(grid=grid, starts=_starts(grid), answers=answers_of(served, grid))
    prompts = prompts_of(served, grid.take(found.starts))
    for one_node in (True, False) if room.machine.devices > 1 else (False,):

        def pairs(rows: Ints, near: bool = one_node) -> Roles:
            return roles(served, prompts, found.answers.take(rows), near)

        if part := _best(job, room, found, pairs, one_node):
            return part
    return None


class _Side(Struct, frozen=True, kw_only=True):
    """Layouts that fit, where each begins with its fewest requests in flight, and how they decode."""

    grid: LayoutGrid
    starts: Ints
    answers: Answers

    @property
    def prefill(self) -> LayoutGrid:
        """Each layout once, for prompts."""
        return self.grid.take(self.starts)

    def fullest(self, tpot_s: float) -> Ints:
        """Of each layout the row that decodes most tokens a second within the limit."""
        rate = np.where(self.answers.step_s <= tpot_s, self.answers.in_flight / self.answers.step_s, -1.0)
        rate = np.where(np.isfinite(rate), rate, -1.0)
        ends = [*self.starts[1:], len(self.grid)]
        most = np.array([start + int(np.argmax(rate[start:end])) for start, end in zip(self.starts, ends, strict=True)])
        return np.asarray(most[rate[most] > 0])


def _starts(grid: LayoutGrid) -> Ints:
    """Where each layout of the grid begins: requests in flight are the innermost."""
    degrees = np.array([getattr(grid, name) for name in _DEGREES])
    return np.flatnonzero(np.any(np.diff(degrees, axis=1, prepend=-1), axis=0))


def _best(job: ServingJob, room: Room, side: _Side, pairs: Callable[[Ints], Roles], one_node: bool) -> Part | None:
    """The pair on fewest nodes; with `one_node` of those that one node holds."""
    most = side.fullest(job.tpot_s)
    if not len(most):
        return None
    decode, machine = side.grid.take(most), room.machine
    found = sized(pairs(most), demanded(job))
    nodes = _nodes(side.prefill, decode, machine, found)
    each = np.maximum(_each(side.prefill, machine)[:, None], _each(decode, machine))
    every = nodes + spare_nodes(nodes, each, job.spare)
    kept = np.isfinite(found.request_s) & (every <= room.searched.max_nodes)
    kept &= found.ttft_s <= job.ttft_s * (1 + 1e-9)
    kept &= (nodes == 1) | (not one_node)
    if "nodes" in room.searched.pins:
        kept &= every == room.searched.pins["nodes"]
    if not kept.any():
        return None
    further = _techniques(side.prefill)[:, None] + _techniques(decode)
    order = np.lexsort((found.request_s[kept], further[kept], every[kept]))
    first, second = (int(axis[order[0]]) for axis in np.nonzero(kept))
    return _chosen(job, room, side, pairs, (first, int(most[second])), int(every[first, second]), one_node)


def _chosen(
    job: ServingJob,
    room: Room,
    side: _Side,
    pairs: Callable[[Ints], Roles],
    pair: tuple[int, int],
    nodes: int,
    one_node: bool,
) -> Part:
    """The pair as a row of its own, with as few requests in flight as the same number of replicas lets it have."""
    first, last = pair
    start = int(side.starts[np.searchsorted(side.starts, last, side="right") - 1])
    rows = np.arange(start, last + 1)
    times = pairs(rows)
    found = sized(times, demanded(job))
    enough = (found.decode[first] <= found.decode[first, -1]) & (found.prefill[first] <= found.prefill[first, -1])
    place = int(np.flatnonzero(enough)[0])
    prefill, layout = side.prefill.take(np.array([first])), side.grid.take(rows[place : place + 1])
    here = slice(place, place + 1)
    count = len(side.starts) * len(side.grid)
    return Part(
        machine=room.places[0],
        option=room.places[1],
        layout=layout,
        nodes=np.array([nodes]),
        replicas=found.decode[first, here].astype(np.int64),
        rung=rungs(room.machine, np.maximum(layout.devices, prefill.devices), room.option),
        job_s=found.request_s[first, here],
        rate=times.decode_rate[first, here],
        misses={},
        covered=count,
        timed=count,
        partner=Partner(layout=prefill.row(0), replicas=int(found.prefill[first, place]), one_node=one_node),
    )


def _techniques(grid: LayoutGrid) -> Ints:
    """What ties are decided by before time: layouts that nobody has measured, as planner.rank counts them."""
    return (grid.data > 1).astype(np.int64) + (grid.expert > 1)


def _each(grid: LayoutGrid, machine: InstanceType) -> Ints:
    """Nodes of a replica."""
    return np.maximum(grid.devices // machine.devices, 1)


def _nodes(prefill: LayoutGrid, decode: LayoutGrid, machine: InstanceType, found: Sized) -> Any:
    """Nodes of both roles: they share some where replicas of one size divide those of the other."""

    def alone(grid: LayoutGrid, replicas: Any, turn: Any) -> Any:
        per_node = np.maximum(machine.devices // grid.devices, 1)
        return np.ceil(replicas / turn(per_node)) * turn(_each(grid, machine))

    apart = alone(prefill, found.prefill, lambda each: each[:, None]) + alone(decode, found.decode, lambda each: each)
    one, other = prefill.devices[:, None], decode.devices
    shared = np.maximum(one, other) <= machine.devices
    shared &= (np.maximum(one, other) % np.minimum(one, other) == 0) & (machine.devices % np.maximum(one, other) == 0)
    together = np.ceil((found.prefill * one + found.decode * other) / machine.devices)
    return np.where(shared, together, apart)
