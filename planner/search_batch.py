"""Which replicas fit, how long does each take for its share of a batch job, and on how many nodes?

Engines with continuous batching fill their cache; those that stream work in blocks, of which the search chooses the
batch and the number of batches (planner.streamed_time), on one device each, with a copy of the weights of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from msgspec import Struct, field

from planner.batch_setting import BatchJob, BatchSetting
from planner.calibration import ServingFactors
from planner.layout import Ints, LayoutGrid
from planner.legal import cross
from planner.plan import Rung
from planner.recipes import Option
from planner.search import Floats, Miss, Part, Pool, Scope, nearest_misses, pool, rungs
from planner.search_serving import replica_layouts
from planner.serving import Load, ReplicaMemory, held_tokens, replica_memory
from planner.streamed_memory import device_terms

# Steps of a half or a third between numbers of batches and of nodes: a finer choice saves little.
STEPS = tuple(sorted({scale * 2**power for power in range(17) for scale in (1, 3)}))
# Blocks that fit are many and alike; the best at the full rate are tried on all numbers of nodes.
KEPT_BLOCKS = 4


class _Fitting(Struct, frozen=True, kw_only=True):
    """Replicas that fit, each with its requests in flight, its rung and its requests/s, and what came nearest of those
    that do not."""

    layout: LayoutGrid
    rung: Ints
    rate: Floats
    misses: Mapping[Rung, Miss]
    covered: int
    timed: int


def search_batch(searched: Scope, job: BatchJob) -> Pool:
    """Every replica that fits on every machine, on several numbers of nodes, with the seconds of the job."""
    return pool(_parts(searched, job))


def _parts(searched: Scope, job: BatchJob) -> Iterator[Part]:
    blocks = _Blocks(searched, job)
    for index, machine in enumerate(searched.machines):
        # What a device holds whole need not stream: that adds traffic, and room for nothing that the engine lacks.
        whole = False
        for number, option in sorted(enumerate(searched.options[index]), key=lambda each: _streams(each[1])):
            setting = BatchSetting(
                shape=searched.shape,
                option=option,
                machine=machine,
                load=job.load,
                calibration=searched.calibration,
            )
            if option.framework.streaming:
                found = _streamed(blocks, setting, needless=whole)
            else:
                found = _rolling(searched, job, setting)
                whole |= bool((found.layout.devices == 1).any())
            yield _on_nodes(searched, job, setting, found, index, number)


def _streams(option: Option) -> bool:
    return option.framework.streaming is not None


class _Blocks(Struct):
    """The blocks that engines can form of the requests, and what each takes of a device: machines share them."""

    searched: Scope
    job: BatchJob
    known: dict[tuple[str, tuple[str, ...], str], tuple[LayoutGrid, Mapping[str, Any]]] = field(default_factory=dict)

    def of(self, setting: BatchSetting) -> tuple[LayoutGrid, Mapping[str, Any]]:
        """Blocks, and what each takes of a device, by cause."""
        option, vendor = setting.option, setting.machine.accelerator.vendor
        key = (option.framework.name, option.recipe.techniques, vendor)
        if key not in self.known:
            grid, searched = self._grid(setting), self.searched
            terms = device_terms(searched.shape, option.recipe, self.job.load, grid, vendor, searched.calibration)
            self.known[key] = grid, terms
        return self.known[key]

    def _grid(self, setting: BatchSetting) -> LayoutGrid:
        streaming, pinned = setting.option.framework.streaming, self.searched.pins.get("micro_batch")
        assert streaming
        sizes = [pinned] if pinned else [step for step in STEPS if step <= setting.factors.largest_batch]
        counts = [step for step in STEPS if step <= streaming.batches_per_block]
        rows = cross({"micro_batch": np.array(sizes)}, "micro_batches", np.array(counts))
        batch, batches = rows["micro_batch"], rows["micro_batches"]
        # A batch or a block beyond the first that holds all requests is no better.
        useful = (batch * (batches - 1) < self.job.requests) & ((batch < 2 * self.job.requests) | (batch == sizes[0]))
        return LayoutGrid.of({name: values[useful] for name, values in rows.items()})


def _streamed(blocks: _Blocks, setting: BatchSetting, *, needless: bool) -> _Fitting:
    grid, terms = blocks.of(setting)
    if needless:
        none = grid.take(np.zeros(len(grid), dtype=bool))
        return _Fitting(layout=none, rung=none.devices, rate=np.zeros(0), misses={}, covered=len(grid), timed=0)
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
    batch, batches, rate = chosen.micro_batch, chosen.micro_batches, np.zeros(0)
    if len(chosen):
        rate = np.asarray(batch * batches / sum(setting.streamed(chosen).block_s(batch, batches, setting.load.lengths)))
    best = np.argsort(-rate, kind="stable")[:KEPT_BLOCKS]
    return _Fitting(
        layout=chosen.take(best),
        rung=rung[fits][best],
        rate=rate[best],
        misses=nearest_misses(machine, option, grid, need, have, ~fits & whole, rung, demands),
        covered=len(grid),
        timed=len(chosen),
    )


def _rolling(searched: Scope, job: BatchJob, setting: BatchSetting) -> _Fitting:
    machine, option, load, factors = setting.machine, setting.option, setting.load, setting.factors
    pinned = searched.pins.get("micro_batch")
    grid = replica_layouts(searched, option, machine, [1])
    if load.speculation:
        grid = grid.take(load.speculation.runs_on(grid))
    grid = grid.take(grid.data == 1)
    memory = replica_memory(setting.shape, option.recipe, grid, machine, factors, load)
    wanted = held_tokens(load, grid.micro_batch, factors.batched_tokens)
    need = np.asarray(memory.need_bytes(wanted, factors.cache_share))
    have = factors.usable_share * machine.device_memory_bytes
    fits, rung = need <= have, rungs(machine, grid.devices, option)
    in_flight = grid.micro_batch if pinned else _most_in_flight(load, factors, have, memory)
    filled = LayoutGrid.of({"tensor": grid.tensor, "pipeline": grid.pipeline, "micro_batch": in_flight})
    chosen = filled.take(fits)
    alone = np.ceil(job.requests / np.maximum(machine.devices // chosen.devices, 1))
    return _Fitting(
        layout=chosen,
        rung=rung[fits],
        rate=np.asarray(alone / setting.run(chosen, alone).work_s) if len(chosen) else np.zeros(0),
        misses=nearest_misses(machine, option, grid, need, have, ~fits, rung),
        covered=len(grid),
        timed=int(fits.sum()),
    )


def _most_in_flight(load: Load, factors: ServingFactors, have: float, memory: ReplicaMemory) -> Ints:
    """Requests that replicas have in flight at most: as many as the cache holds whole, so that nobody starts anew; for
    embeddings those of a step."""
    if load.pools:
        each = np.full(np.shape(memory.weights), (factors.batched_tokens or load.input_tokens) // load.input_tokens)
    else:
        room = (have - memory.beside_cache) * factors.cache_share / memory.cache_per_token - load.prefix_tokens
        each = room // load.request_tokens
    return np.asarray(np.clip(each, 1, factors.largest_batch).astype(np.int64))


def _on_nodes(searched: Scope, job: BatchJob, setting: BatchSetting, found: _Fitting, index: int, number: int) -> Part:
    """The replicas on every number of nodes that is tried, and on the least that keeps the deadline."""
    layout, machine = found.layout, setting.machine
    per_node = np.maximum(machine.devices // layout.devices, 1)
    nodes_each = np.maximum(layout.devices // machine.devices, 1)
    left_s = max(job.deadline_s - setting.start_s, 1.0) if len(layout) else 1.0
    # The least that may keep the deadline, were the work divided without a rest.
    timely = np.ceil(job.requests / (found.rate * per_node * left_s) * (1 + 1e-6))
    rows, times = _counts(searched, job, per_node, nodes_each, timely)
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


def _counts(searched: Scope, job: BatchJob, per_node: Ints, nodes_each: Ints, timely: Floats) -> tuple[Ints, Ints]:
    """Rows of the layouts, each with how often its node, or the nodes of its replica, is taken: in steps, and about
    `timely`."""
    pinned = searched.pins.get("nodes")
    most = np.minimum(searched.max_nodes // nodes_each, np.maximum(-(-job.requests // per_node), 1))
    if pinned:
        times = (pinned // nodes_each)[:, None]
        legal = (times * nodes_each[:, None] == pinned) & (times <= most[:, None])
    else:
        steps = np.array([step for step in STEPS if step <= searched.max_nodes])
        tried = np.broadcast_to(steps, (len(per_node), len(steps)))
        least = np.where(np.isfinite(timely), np.clip(timely, 1, searched.max_nodes), 1).astype(np.int64)[:, None]
        times = np.concatenate([tried, most[:, None], least, least + 1], axis=1)
        times = np.sort(np.minimum(times, np.maximum(most, 1)[:, None]), axis=1)
        legal = (times <= most[:, None]) & (np.diff(times, axis=1, prepend=0) > 0)
    rows, columns = np.nonzero(legal)
    return rows, times[rows, columns]
