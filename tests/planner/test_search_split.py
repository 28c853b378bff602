"""Is the best split fleet of each machine the one that a plain loop over all pairs finds?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.handover import Served, answers_of, prompts_of, roles, sized
from planner.layout import Layout
from planner.search import Part, pool
from planner.search_serving import ServingJob, rooms, search_serving
from planner.search_split import demanded, split_parts
from planner.serving import replica_memory
from planner.shape import ModelShape
from pricing.instance_type import InstanceType
from pricing.records import replace
from tests.planner.builders import DENSE, LATENT_MIXED, MIXED, grid
from tests.planner.test_search_serving import FACTORS, IN_FLIGHT, LOAD, MACHINES, NODES, OPTIONS, RATE, packed, searched
from tests.planner.test_search_serving import layouts as every_layout


def pair_nodes(on: InstanceType, first: Layout, prefill: int, second: Layout, decode: int) -> int:
    """Nodes of so many replicas of either role, each role on nodes of its own, or side by side where sizes allow."""
    sizes = sorted([(first.devices, prefill), (second.devices, decode)])
    small, large = sizes
    if large[0] <= on.devices and large[0] % small[0] == 0 and on.devices % large[0] == 0:
        return -(-(small[0] * small[1] + large[0] * large[1]) // on.devices)
    return packed(prefill, first.devices, on.devices) + packed(decode, second.devices, on.devices)


def fits(shape: ModelShape, on: InstanceType, layout: Layout, number: int) -> bool:
    """Whether a replica has room for its requests and the longest context."""
    memory = replica_memory(shape, OPTIONS[number].recipe, layout, on, FACTORS)
    wanted = max(layout.micro_batch * 4500, layout.data * LOAD.context_tokens)
    return float(memory.capacity_tokens) >= wanted


def looped(shape: ModelShape, on: InstanceType, number: int, job: ServingJob) -> int | None:
    """The fewest nodes of any pair that keeps the limits; None where none does."""
    served = Served(shape=shape, recipe=OPTIONS[number].recipe, machine=on, factors=FACTORS, load=job.load)
    able = [each for each in every_layout(shape, on) if fits(shape, on, each, number)]
    firsts = [each for each in able if each.micro_batch == each.data]
    best = None
    for first in firsts:
        prompts = prompts_of(served, grid([first]))
        for second in able:
            answers = answers_of(served, grid([second]))
            for near in (True, False):
                found = sized(roles(served, prompts, answers, near), demanded(job))
                figures = np.array([found.prefill[0, 0], found.request_s[0, 0]])
                if not np.isfinite(figures).all() or float(answers.step_s[0]) > job.tpot_s:
                    continue
                decode = int(np.ravel(found.decode)[0])
                nodes = pair_nodes(on, first, int(found.prefill[0, 0]), second, decode)
                if nodes <= NODES and float(found.ttft_s[0, 0]) <= job.ttft_s and (nodes == 1 or not near):
                    best = nodes if best is None else min(best, nodes)
    return best


JOBS = {
    "rate": replace(RATE, requests_per_s=40.0),
    "in flight": IN_FLIGHT,
    "in time": replace(RATE, requests_per_s=40.0, ttft_s=0.05, tpot_s=0.002),
}


@pytest.mark.parametrize("shape", [DENSE, LATENT_MIXED], ids=lambda shape: shape.name)
@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_no_pair_takes_fewer_nodes(shape: ModelShape, job: ServingJob) -> None:
    """On each small machine the split fleet has as few nodes as any pair of layouts that keeps the limits."""
    small = MACHINES[:2]
    found = {
        (part.machine, part.option): int(part.nodes[0]) for part in split_parts(rooms(searched(shape, small), job), job)
    }
    wanted = {
        (index, number): looped(shape, on, number, job)
        for index, on in enumerate(small)
        for number in range(len(OPTIONS))
    }
    assert found == {place: nodes for place, nodes in wanted.items() if nodes is not None}
    assert found


def of(part: Part) -> tuple[float, float]:
    """Seconds of a request, and its nodes."""
    return float(part.job_s[0]), int(part.nodes[0])


def test_a_split_fleet_has_a_partner_and_no_more_in_flight_than_it_needs() -> None:
    """Each row names who works on its prompts; one replica fewer for answers would not carry the load."""
    parts = list(split_parts(rooms(searched(), RATE), RATE))
    assert parts
    for part in parts:
        assert part.partner is not None and part.partner.replicas >= 1
        replicas, rate = int(part.replicas[0]), float(part.rate[0])
        assert replicas * rate >= 200.0 * (1 - 1e-6)
        assert replicas == 1 or (replicas - 1) * rate < 200.0


def test_rows_stand_beside_those_that_do_both() -> None:
    """In one pool every row knows its partner, in any order, and rows that do both have none."""
    parts = tuple(split_parts(rooms(searched(), RATE), RATE))
    both = search_serving(searched(), RATE, parts)
    count = len(search_serving(searched(), RATE))
    assert len(both) == count + len(parts)
    turned = both.take(np.arange(len(both))[::-1], both.offer[::-1])
    assert [turned.partner_of(row) for row in range(len(parts))] == [part.partner for part in reversed(parts)]
    assert all(both.partner_of(row) is None for row in range(count))
    assert pool(()).partner_of(0) is None


def test_an_engine_that_hands_nothing_over_has_none() -> None:
    """No engine without a way to hand caches over gets a split fleet."""
    scope = searched(MIXED)
    dumb = tuple(replace(each, framework=replace(each.framework, hands_over="")) for each in OPTIONS)
    assert list(split_parts(rooms(replace(scope, options=(dumb,) * len(MACHINES)), RATE), RATE)) == []


def test_pins_hold_in_both_roles() -> None:
    """A pinned degree is that of both layouts, pinned nodes are those of the whole fleet."""
    for part in split_parts(rooms(searched(tensor=2), RATE), RATE):
        assert part.partner and part.partner.layout.tensor == 2 == int(part.layout.tensor[0])
    pinned = list(split_parts(rooms(searched(nodes=6), IN_FLIGHT), IN_FLIGHT))
    assert pinned and all(of(part)[1] == 6 for part in pinned)
