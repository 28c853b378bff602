"""Is the serving search's pool what a plain loop over replicas would have found, and does its fleet carry the load?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from planner.calibration import Calibration
from planner.layout import Layout
from planner.plan import Rung
from planner.recipes import Option
from planner.search import RUNGS, Pool, Scope
from planner.search_serving import ServingJob, search_serving
from planner.serving import Load, replica_answer, replica_memory
from planner.shape import ModelShape
from pricing.instance_type import InstanceType
from pricing.records import replace
from tests.planner.builders import (
    BAND,
    DENSE,
    LATENT_MIXED,
    MIXED,
    SERVED,
    changed,
    examples,
    framework,
    machine,
    recipe,
)

LOAD = Load(input_tokens=4000, output_tokens=500, context_tokens=16_000)
RATE = ServingJob(load=LOAD, requests_per_s=200.0, concurrency=None, ttft_s=np.inf, tpot_s=np.inf)
IN_FLIGHT = replace(RATE, requests_per_s=None, concurrency=37)
ROOM = 25 * 10**7
MACHINES = (
    machine(name="one", accelerators=1, memory_bytes=2 * ROOM),
    machine(name="pair", accelerators=2, memory_bytes=ROOM),
    machine(name="six", accelerators=6, memory_bytes=ROOM),
    machine(name="cores", accelerators=1, ranks=2, memory_bytes=2 * ROOM),
    machine(name="unjoined", accelerators=2, memory_bytes=ROOM, link_bytes_per_s=None),
)
OPTIONS = tuple(
    Option(framework=framework("vllm"), recipe=recipe("bf16", *names, of="vllm"), extra=len(names))
    for names in ((), ("kv-fp8",))
)
FACTORS = changed(SERVED, block_s=1e-4, memory_share=0.9, reserve_bytes=10**6, largest_batch=20)
CALIBRATION = Calibration(
    memory={}, eager={}, mixture_memory=BAND, mixture=BAND, time={}, serving={"vllm": {"default": FACTORS}}
)
NODES = 40


def searched(shape: ModelShape = DENSE, machines: tuple[InstanceType, ...] = MACHINES, **pins: int) -> Scope:
    """A scope of few machines, each with the same options."""
    return Scope(
        shape=shape,
        machines=machines,
        options=(OPTIONS,) * len(machines),
        calibration=CALIBRATION,
        max_nodes=NODES,
        pins=pins,
    )


class Row(Struct, frozen=True, kw_only=True):
    """A feasible row in full."""

    machine: int
    option: int
    layout: Layout
    nodes: int
    replicas: int
    rung: Rung
    job_s: float


def rows(found: Pool) -> list[Row]:
    """The rows of a pool."""
    return [
        Row(
            machine=int(found.machine[index]),
            option=int(found.option[index]),
            layout=found.layout.row(index),
            nodes=int(found.nodes[index]),
            replicas=int(found.replicas[index]),
            rung=RUNGS[int(found.rung[index])],
            job_s=float(found.job_s[index]),
        )
        for index in range(len(found))
    ]


def packed(replicas: int, devices: int, node_devices: int) -> int:
    """Nodes that so many replicas take, placed one by one: side by side while there is room, else on nodes anew."""
    nodes = free = 0
    for _ in range(replicas):
        if devices > node_devices:
            nodes += devices // node_devices
            continue
        if free < devices:
            nodes += 1
            free = node_devices
        free -= devices
    return nodes


def divides(shape: ModelShape, tensor: int) -> bool:
    """Whether heads can be split over so many ranks, key heads copied where they are fewer."""
    whole = shape.kv_heads % tensor == 0 or tensor % shape.kv_heads == 0
    return whole and shape.heads % tensor == 0


def layouts(shape: ModelShape, on: InstanceType) -> list[Layout]:
    """Every replica that stays in a node or fills whole ones, with each power of two of requests in flight.

    Data ranks, each with a request or more, share experts that are whole on all ranks or cut into slices of 128 or
    more.
    """
    width = min((run.mlp.ffn for run in shape.blocks if run.mlp.experts), default=0)
    return [
        Layout(tensor=tensor, pipeline=pipeline, data=data, expert=expert, micro_batch=requests)
        for tensor in range(1, on.devices + 1)
        if on.devices % tensor == 0 and divides(shape, tensor)
        for pipeline in range(1, min(16, shape.layers) + 1)
        for data in range(1, max(shape.experts, 1) + 1)
        if data == 1 or (pipeline == 1 and shape.experts % data == 0)
        for devices in (tensor * pipeline * data,)
        if devices <= on.devices or devices % on.devices == 0
        if devices <= (NODES if data == 1 else 16) * on.devices
        for expert in sorted({1, tensor * data})
        if expert == 1 or (shape.experts and shape.experts % expert == 0)
        if data == 1 or width * expert >= 128 * tensor * data
        for requests in (data * each for each in (1, 2, 4, 8, 16))
    ]


def replica(shape: ModelShape, on: InstanceType, option: Option, layout: Layout, job: ServingJob) -> Row | None:
    """The row of one replica's layout, None where it does not fit, answers too late or takes too many nodes."""
    memory = replica_memory(shape, option.recipe, layout, on, FACTORS)
    requests = layout.micro_batch * (job.load.input_tokens + job.load.output_tokens)
    tokens = max(requests, layout.data * job.load.context_tokens)
    if float(memory.capacity_tokens) < tokens:
        return None
    answer = replica_answer(shape, option.recipe, layout, job.load, on, FACTORS)
    late = float(answer.ttft_s) > job.ttft_s or float(answer.tpot_s) > job.tpot_s
    if late or not np.isfinite(float(answer.request_s)):
        return None
    if job.concurrency is not None:
        replicas = -(-job.concurrency // layout.micro_batch)
    else:
        replicas = int(np.ceil((job.requests_per_s or 0.0) / float(answer.requests_per_s)))
    nodes = packed(replicas, layout.devices, on.devices)
    rung = Rung.ONE_INSTANCE if layout.devices <= on.devices else Rung.CLUSTER
    if layout.devices <= on.accelerator.ranks:
        rung = Rung.MORE_OPTIMIZATION if option.extra else Rung.SINGLE_ACCELERATOR
    row = Row(
        machine=MACHINES.index(on),
        option=OPTIONS.index(option),
        layout=layout,
        nodes=nodes,
        replicas=replicas,
        rung=rung,
        job_s=float(answer.request_s),
    )
    return row if nodes <= NODES else None


@pytest.mark.parametrize("shape", [DENSE, MIXED, LATENT_MIXED], ids=lambda shape: shape.name)
@pytest.mark.parametrize(
    "job",
    [RATE, IN_FLIGHT, replace(RATE, ttft_s=0.004, tpot_s=0.0011)],
    ids=["rate", "in flight", "in time"],
)
def test_the_pool_is_that_of_a_plain_loop(shape: ModelShape, job: ServingJob) -> None:
    """The search finds the rows of a loop over machines, options and replicas, in that order, with their fleets."""
    found = search_serving(searched(shape), job)
    looped = [
        replica(shape, on, option, layout, job)
        for on in MACHINES
        for option in OPTIONS
        for layout in layouts(shape, on)
    ]
    wanted = [row for row in looped if row]
    got = rows(found)
    assert [replace(row, job_s=0.0) for row in got] == [replace(row, job_s=0.0) for row in wanted]
    assert [row.job_s for row in got] == pytest.approx([row.job_s for row in wanted])
    assert found.covered == len(looped) > len(wanted) > 0
    assert len(wanted) <= found.timed <= found.covered


def test_every_kind_of_answer_is_among_them() -> None:
    """The machines above give rows on each rung, more replicas than one, and misses, so that something is compared."""
    found = search_serving(searched(), RATE)
    assert {row.rung for row in rows(found)} == set(Rung)
    assert {row.machine for row in rows(found)} == set(range(len(MACHINES)))
    assert max(row.replicas for row in rows(found)) > 1
    assert found.misses
    # Without a known link only replicas of one device have a time.
    assert {row.layout.devices for row in rows(found) if row.machine == 4} == {1}


@examples
@given(st.floats(0.1, 1e4), st.integers(1, 4000), st.integers(1, 1000))
def test_the_fleet_carries_the_rate(rate: float, input_tokens: int, output_tokens: int) -> None:
    """Replicas times their planned rate reach the load, and one replica less would not."""
    load = Load(input_tokens=input_tokens, output_tokens=output_tokens, context_tokens=5000)
    job = replace(RATE, load=load, requests_per_s=rate)
    for row in rows(search_serving(searched(machines=MACHINES[:2]), job)):
        on, option = MACHINES[row.machine], OPTIONS[row.option]
        answer = replica_answer(DENSE, option.recipe, row.layout, load, on, FACTORS)
        each = float(answer.requests_per_s)
        assert row.replicas * each >= rate * (1 - 1e-9)
        assert (row.replicas - 1) * each < rate


@examples
@given(st.integers(1, 200))
def test_the_fleet_holds_the_requests_in_flight(concurrency: int) -> None:
    """Replicas times their requests in flight reach the concurrency, and one replica less would not."""
    for row in rows(search_serving(searched(machines=MACHINES[:2]), replace(IN_FLIGHT, concurrency=concurrency))):
        assert row.replicas * row.layout.micro_batch >= concurrency > (row.replicas - 1) * row.layout.micro_batch


def test_known_prefixes_spare_time_and_take_room() -> None:
    """Where half of each prompt is known, every replica that is left answers sooner, and its cache holds it beside."""
    known = replace(RATE, load=replace(LOAD, known_share=0.5))
    before = {(row.machine, row.option, row.layout): row for row in rows(search_serving(searched(), RATE))}
    found = rows(search_serving(searched(), known))
    both = [(row, before.get((row.machine, row.option, row.layout))) for row in found]
    assert sum(old is not None for _, old in both) > 10
    assert all(row.job_s < old.job_s for row, old in both if old)
    for row in found:
        on, option = MACHINES[row.machine], OPTIONS[row.option]
        room = float(replica_memory(DENSE, option.recipe, row.layout, on, FACTORS).capacity_tokens)
        assert room >= row.layout.micro_batch * 4500 + 2000


def test_every_replica_holds_its_requests() -> None:
    """A row's cache has room for its requests at full length, and for the longest context that one may use."""
    for row in rows(search_serving(searched(), RATE)):
        on, option = MACHINES[row.machine], OPTIONS[row.option]
        room = float(replica_memory(DENSE, option.recipe, row.layout, on, FACTORS).capacity_tokens)
        assert room >= row.layout.micro_batch * 4500
        assert room >= 16_000


def test_limits_leave_out_what_answers_late() -> None:
    """A limit between the fastest and the slowest answer keeps some rows and drops others; a tighter one drops all."""
    every = rows(search_serving(searched(), RATE))
    durations = sorted(row.job_s for row in every)
    job = replace(RATE, tpot_s=durations[len(durations) // 2] / 500)
    some = rows(search_serving(searched(), job))
    assert 0 < len(some) < len(every)
    assert rows(search_serving(searched(), replace(RATE, tpot_s=1e-9))) == []


@pytest.mark.parametrize(("field", "value"), [("tensor", 2), ("pipeline", 3), ("micro_batch", 5)])
def test_a_pinned_degree_holds_in_every_row(field: str, value: int) -> None:
    """A pinned degree or number of requests in flight is that of every row, even one that is not tried unasked."""
    found = rows(search_serving(replace(searched(), pins={field: value}), IN_FLIGHT))
    assert {getattr(row.layout, field) for row in found} == {value}


def test_pinned_nodes_are_those_of_the_fleet() -> None:
    """Pinned nodes count all instances of the fleet."""
    found = rows(search_serving(searched(nodes=2), IN_FLIGHT))
    assert {row.nodes for row in found} == {2}
    assert all(packed(row.replicas, row.layout.devices, MACHINES[row.machine].devices) == 2 for row in found)


def test_a_miss_needs_more_than_the_engine_has() -> None:
    """The nearest miss of a rung needs more than the engine's share of a device, weights, reserve and cache."""
    tiny = machine(name="tiny", accelerators=2, memory_bytes=2 * 10**7)
    found = search_serving(searched(machines=(tiny,)), RATE)
    assert len(found) == 0
    miss = found.misses[Rung.ONE_INSTANCE]
    # Split over both devices, with requests that need no more than the longest context.
    memory = replica_memory(DENSE, miss.option.recipe, Layout(tensor=2), tiny, FACTORS)
    tokens = 16_000
    assert miss.need_bytes == pytest.approx(float(memory.weights) + 10**6 + tokens * float(memory.cache_per_token))
    assert miss.need_bytes > miss.have_bytes == pytest.approx(0.9 * 2 * 10**7)


def test_one_device_needs_no_link() -> None:
    """A machine of one device serves on it, or over the network in stages; where that is unknown on it alone."""
    alone = machine(
        name="alone", accelerators=1, memory_bytes=2 * ROOM, link_bytes_per_s=None, network_bytes_per_s=None
    )
    found = rows(search_serving(searched(machines=(alone,)), IN_FLIGHT))
    assert found
    assert {row.layout.devices for row in found} == {1}
