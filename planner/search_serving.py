"""Which replicas fit and answer in time, and how large a fleet does the load take?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.fleet_size import spare_nodes
from planner.layout import Ints, LayoutGrid, Mask
from planner.legal import HEADS_DIVIDE, Space, cross, divisors, keep, powers
from planner.models import load_preset
from planner.recipe import Adapter
from planner.recipes import Option
from planner.search import Part, Pool, Scope, nearest_misses, pool, rungs
from planner.served_adapters import ServedAdapters
from planner.serving import Answer, Load, held_tokens, replica_answer, replica_memory
from planner.serving_fields import OWN_BLOCKS, PROMPT_LOOKUP, Adapters, Speculative
from planner.shape import ModelShape
from planner.speculation import Speculation, drafts_of_its_own
from planner.workload import Inference
from pricing.instance_type import InstanceType

# A replica over more nodes than this answers slower with every hop and is dearer than quantizing.
LARGEST_PIPELINE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingJob:
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


def search_serving(searched: Scope, job: ServingJob) -> Pool:
    """Every replica that fits and answers in time on every machine, with the fleet that the load takes."""
    return pool(
        _part(searched, job, index, number)
        for index in range(len(searched.machines))
        for number in range(len(searched.options[index]))
    )


def _part(searched: Scope, job: ServingJob, index: int, number: int) -> Part:
    machine, option = searched.machines[index], searched.options[index][number]
    factors = searched.calibration.serving_factors(option.framework.name, machine.accelerator.name)
    grid = replica_layouts(searched, option, machine, powers(factors.largest_batch))
    if job.beside:
        # Sizes that divide the node fill it without gaps.
        grid = grid.take((machine.devices % grid.devices == 0) | (grid.devices % machine.devices == 0))
    if job.load.speculation:
        grid = grid.take(job.load.speculation.runs_on(grid))
    memory = replica_memory(searched.shape, option.recipe, grid, machine, factors, job.load)
    wanted = held_tokens(job.load, grid.micro_batch, factors.batched_tokens)
    need = np.asarray(memory.beside_cache + wanted * memory.cache_per_token / factors.cache_share)
    have = factors.usable_share * machine.device_memory_bytes
    fits = need <= have
    rung = rungs(machine, grid.devices, option)
    chosen = grid.take(fits)
    answer = replica_answer(searched.shape, option.recipe, chosen, job.load, machine, factors)
    replicas = _replicas(job, chosen, answer)
    nodes = fleet_nodes(chosen, machine, replicas, job)
    kept = _in_time(job, answer) & (nodes <= searched.max_nodes)
    if "nodes" in searched.pins:
        kept &= nodes == searched.pins["nodes"]
    return Part(
        machine=index,
        option=number,
        layout=chosen.take(kept),
        nodes=nodes[kept],
        replicas=replicas[kept],
        rung=rung[fits][kept],
        job_s=np.asarray(answer.request_s)[kept],
        rate=np.asarray(answer.requests_per_s)[kept],
        misses=nearest_misses(machine, option, grid, need, have, ~fits, rung),
        covered=len(grid),
        timed=len(chosen),
    )


def replica_layouts(searched: Scope, option: Option, machine: InstanceType, in_flight: Sequence[int]) -> LayoutGrid:
    """Every tensor and pipeline degree of a replica, each with so many requests in flight."""
    space = Space(
        shape=searched.shape,
        sequence_tokens=1,
        global_batch=1,
        framework=option.framework,
        devices_per_node=machine.devices,
        max_nodes=searched.max_nodes,
        pins=searched.pins,
    )
    rows = cross({}, "tensor", space.choices("tensor", divisors(machine.devices)))
    rows = keep(space, rows, (HEADS_DIVIDE,))
    rows = cross(
        rows,
        "pipeline",
        space.choices("pipeline", range(1, min(LARGEST_PIPELINE, searched.shape.layers) + 1)),
    )
    devices = rows["tensor"] * rows["pipeline"]
    # A replica stays inside a node, or fills whole nodes.
    whole = (devices <= machine.devices) | (devices % machine.devices == 0)
    rows = {name: values[whole & (devices <= machine.devices * searched.max_nodes)] for name, values in rows.items()}
    return LayoutGrid.of(cross(rows, "micro_batch", space.choices("micro_batch", in_flight)))


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
