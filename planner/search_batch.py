"""Which replicas fit, how long does each take for its share of a batch job, and on how many nodes?

Engines with continuous batching fill their cache; those that stream work in blocks, of which the search chooses the
batch and the number of batches (planner.streamed_time), on one device each, with a copy of the weights of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from planner.batch_setting import BatchJob, Setting
from planner.layout import Ints, LayoutGrid
from planner.legal import cross
from planner.plan import Rung
from planner.search import Miss, Part, Pool, Scope, nearest_misses, pool, rungs
from planner.search_serving import replica_layouts
from planner.serving import held_tokens, replica_memory
from planner.streamed_memory import device_terms

# Steps of a half or a third between numbers of batches and of nodes: a finer choice saves little.
STEPS = tuple(sorted({scale * 2**power for power in range(17) for scale in (1, 3)}))
# Blocks that fit are many and alike; the best at the full rate are tried on all numbers of nodes.
KEPT_BLOCKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitting:
    """Replicas that fit, each with its requests in flight and its rung, and what came nearest of those that do not."""

    layout: LayoutGrid
    rung: Ints
    misses: Mapping[Rung, Miss]
    covered: int
    timed: int


def search_batch(searched: Scope, job: BatchJob) -> Pool:
    """Every replica that fits on every machine, on several numbers of nodes, with the seconds of the job."""
    return pool(_parts(searched, job))


def _parts(searched: Scope, job: BatchJob) -> Iterator[Part]:
    blocks = _Blocks(searched, job)
    for index, machine in enumerate(searched.machines):
        for number, option in enumerate(searched.options[index]):
            setting = Setting(
                shape=searched.shape,
                option=option,
                machine=machine,
                load=job.load,
                calibration=searched.calibration,
            )
            found = _streamed(blocks, setting) if option.framework.streaming else _rolling(searched, setting)
            yield _on_nodes(searched, job, setting, found, index, number)


@dataclass(slots=True)
class _Blocks:
    """The blocks that engines can form of the requests, and what each takes of a device: machines share them."""

    searched: Scope
    job: BatchJob
    known: dict[tuple[str, tuple[str, ...], str], tuple[LayoutGrid, Mapping[str, Any]]] = field(default_factory=dict)

    def of(self, setting: Setting) -> tuple[LayoutGrid, Mapping[str, Any]]:
        """Blocks, and what each takes of a device, by cause."""
        option, vendor = setting.option, setting.machine.accelerator.vendor
        key = (option.framework.name, option.recipe.techniques, vendor)
        if key not in self.known:
            grid, searched = self._grid(setting), self.searched
            terms = device_terms(searched.shape, option.recipe, self.job.load, grid, vendor, searched.calibration)
            self.known[key] = grid, terms
        return self.known[key]

    def _grid(self, setting: Setting) -> LayoutGrid:
        streaming, pinned = setting.option.framework.streaming, self.searched.pins.get("micro_batch")
        assert streaming
        sizes = [pinned] if pinned else [step for step in STEPS if step <= setting.factors.largest_batch]
        counts = [step for step in STEPS if step <= streaming.batches_per_block]
        rows = cross({"micro_batch": np.array(sizes)}, "micro_batches", np.array(counts))
        batch, batches = rows["micro_batch"], rows["micro_batches"]
        # A batch or a block beyond the first that holds all requests is no better.
        useful = (batch * (batches - 1) < self.job.requests) & ((batch < 2 * self.job.requests) | (batch == sizes[0]))
        return LayoutGrid.of({name: values[useful] for name, values in rows.items()})


def _streamed(blocks: _Blocks, setting: Setting) -> _Fitting:
    grid, terms = blocks.of(setting)
    machine, option, have = setting.machine, setting.option, setting.machine.device_memory_bytes
    memory = setting.memory(grid, terms)
    need = np.asarray(memory.band.high * sum(terms.values()) + 0.0 * grid.micro_batch)
    # One device is a replica: nothing of this engine is cut over several.
    whole = all(blocks.searched.pins.get(degree, 1) == 1 for degree in ("tensor", "pipeline"))
    fits = whole & (need <= have)
    demands = setting.demands(memory)
    for demand in demands:
        fits &= demand.need <= demand.have
    rung, chosen = rungs(machine, grid.devices, option), grid.take(fits)
    block = chosen.micro_batch * chosen.micro_batches
    rate = block / setting.run(chosen, block).work_s if len(chosen) else np.zeros(0)
    best = np.argsort(-rate, kind="stable")[:KEPT_BLOCKS]
    return _Fitting(
        layout=chosen.take(best),
        rung=rung[fits][best],
        misses=nearest_misses(machine, option, grid, need, have, ~fits & whole, rung, demands),
        covered=len(grid),
        timed=len(chosen),
    )


def _rolling(searched: Scope, setting: Setting) -> _Fitting:
    machine, option, load, factors = setting.machine, setting.option, setting.load, setting.factors
    pinned = searched.pins.get("micro_batch")
    grid = replica_layouts(searched, option, machine, [1])
    tokens = load.request_tokens
    memory = replica_memory(setting.shape, option.recipe, grid, machine, factors, load)
    longest = held_tokens(load, grid.micro_batch, factors.batched_tokens)
    need = np.asarray(memory.beside_cache + longest * memory.cache_per_token / factors.cache_share)
    have = factors.usable_share * machine.device_memory_bytes
    fits, rung = need <= have, rungs(machine, grid.devices, option)
    # As many as the cache holds whole: nobody is to start anew.
    room = (have - memory.beside_cache) * factors.cache_share / memory.cache_per_token - load.prefix_tokens
    most = np.clip(room // tokens, 1, factors.largest_batch).astype(np.int64)
    in_flight = grid.micro_batch if pinned else most
    filled = LayoutGrid.of({"tensor": grid.tensor, "pipeline": grid.pipeline, "micro_batch": in_flight})
    return _Fitting(
        layout=filled.take(fits),
        rung=rung[fits],
        misses=nearest_misses(machine, option, grid, need, have, ~fits, rung),
        covered=len(grid),
        timed=int(fits.sum()),
    )


def _on_nodes(searched: Scope, job: BatchJob, setting: Setting, found: _Fitting, index: int, number: int) -> Part:
    """The replicas on every number of nodes that is tried, and on the least that keeps the deadline."""
    layout, machine = found.layout, setting.machine
    per_node = np.maximum(machine.devices // layout.devices, 1)
    nodes_each = np.maximum(layout.devices // machine.devices, 1)
    rows, times = _counts(searched, job, setting, layout, per_node, nodes_each)
    taken, replicas = layout.take(rows), times * per_node[rows]
    share = np.ceil(job.requests / replicas) if len(rows) else np.zeros(0)
    run = setting.run(taken, share) if len(rows) else None
    clock = setting.clock(taken, run, share) if run else None
    job_s = np.asarray(clock.run_s + 0.0 * share) if clock else np.zeros(0)
    known = np.isfinite(job_s)
    return Part(
        machine=index,
        option=number,
        layout=taken.take(known),
        nodes=(times * nodes_each[rows])[known],
        replicas=replicas[known],
        rung=found.rung[rows][known],
        job_s=job_s[known],
        rate=np.asarray(share / run.work_s)[known] if run else np.zeros(0),
        misses=dict(found.misses),
        covered=found.covered,
        timed=found.timed,
        untimed=bool(len(rows) and not known.any()),
    )


def _counts(
    searched: Scope, job: BatchJob, setting: Setting, layout: LayoutGrid, per_node: Ints, nodes_each: Ints
) -> tuple[Ints, Ints]:
    """Rows of the layouts, each with how often its node, or the nodes of its replica, is taken."""
    pinned = searched.pins.get("nodes")
    most = np.minimum(searched.max_nodes // nodes_each, np.maximum(-(-job.requests // per_node), 1))
    if pinned:
        times = np.broadcast_to(pinned // nodes_each, (1, len(layout))).T
        legal = (times * nodes_each[:, None] == pinned) & (times <= most[:, None])
    else:
        steps = np.array([step for step in STEPS if step <= searched.max_nodes])
        timely = _timely(job, setting, layout, per_node)
        tried = np.broadcast_to(steps, (len(layout), len(steps)))
        times = np.concatenate([tried, most[:, None], timely[:, None], timely[:, None] + 1], axis=1)
        times = np.sort(np.minimum(times, np.maximum(most, 1)[:, None]), axis=1)
        legal = (times <= most[:, None]) & (np.diff(times, axis=1, prepend=0) > 0)
    rows, columns = np.nonzero(legal)
    return rows, times[rows, columns]


def _timely(job: BatchJob, setting: Setting, layout: LayoutGrid, per_node: Ints) -> Ints:
    """The least number that may keep the deadline, were the work divided without a rest."""
    if not len(layout):
        return np.ones(0, dtype=np.int64)
    alone = np.ceil(job.requests / per_node)
    left = max(job.deadline_s - setting.start_s, 1.0)
    wanted = np.ceil(setting.run(layout, alone).work_s / left * (1 + 1e-6))
    return np.where(np.isfinite(wanted), np.clip(wanted, 1, 1 << 40), 1).astype(np.int64)
