"""Do the formulas of TTFT and TPOT agree with a simulation of the same steps, request by request?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.layout import Layout
from planner.replica import Replica
from planner.request_stream import closed_requests, poisson_requests
from planner.serving import Load, replica_of
from planner.serving_modes import arrivals, closed_loop
from planner.serving_spread import spreads
from planner.simulation import Floats, replay
from planner.spread import Spread
from planner.step_table import step_table
from pricing.records import replace
from tests.planner.builders import DENSE, SERVED, changed, machine, recipe

LOAD = Load(input_tokens=1000, output_tokens=200, context_tokens=4096)
VARIATION = 0.25
COUNT = 8000
# Quantiles of so few requests differ by as much from one seed to the next.
TOLERANCES = {"mean": 0.07, "p50": 0.08, "p95": 0.12, "p99": 0.15}


def replica(tensor: int, *, mixes: bool) -> Replica:
    """A small model on slow steps, so that prompts take a good part of a replica's time."""
    factors = changed(
        SERVED,
        largest_batch=256,
        batched_tokens=8192,
        mixes_prompts=mixes,
        matmul=0.01,
        half_rows=16.0,
        block_s=1e-4,
        admission_steps=0.5,
        reserved_share=0.5,
    )
    made = replica_of(DENSE, recipe("bf16", of="vllm"), Layout(tensor=tensor), machine(), factors, LOAD)
    return replace(made, capacity_tokens=256 * 1200)


def near(formulas: Spread, seen: Floats) -> None:
    """Holds each figure of the formulas against those of the simulated requests."""
    figures = {"mean": seen.mean(), **{f"p{share}": np.percentile(seen, share) for share in (50, 95, 99)}}
    for name, value in formulas.named():
        assert value == pytest.approx(figures[name], rel=TOLERANCES[name]), name


@pytest.mark.parametrize("mixes", [True, False], ids=["chunked", "prompts apart"])
@pytest.mark.parametrize("tensor", [1, 4])
@pytest.mark.parametrize("in_flight", [1.0, 6.0, 16.0])
def test_formulas_and_simulation_agree_on_arrivals(in_flight: float, tensor: int, mixes: bool) -> None:
    """At light and heavy loads, on one device and several, means and percentiles are those of the simulation."""
    found = replica(tensor, mixes=mixes)
    pace = arrivals(found, LOAD.lengths, in_flight)
    requests = poisson_requests(LOAD, float(pace.requests_per_s), COUNT, 1, VARIATION)
    run = replay(requests, step_table(found, LOAD, 256), 1)
    kept = slice(COUNT // 10, None)
    expected = spreads(found, LOAD.lengths, in_flight, pace, variation=VARIATION)
    near(expected.ttft, (run.first_s - run.at_s)[kept])
    near(expected.tpot, ((run.last_s - run.first_s) / (requests.output_tokens - 1))[kept])


@pytest.mark.parametrize("clients", [1, 8, 32])
def test_formulas_and_simulation_agree_on_closed_loops(clients: int) -> None:
    """Clients that wait for their answers see the means that the formula says; their next request misses a step."""
    found = replica(1, mixes=True)
    one_step = replace(found, factors=replace(found.factors, admission_steps=1.0))
    pace = closed_loop(one_step, LOAD.lengths, clients)
    requests = closed_requests(LOAD, clients, COUNT, 1, VARIATION)
    run = replay(requests, step_table(found, LOAD, 256), 1)
    kept = slice(COUNT // 10, None)
    tpot = ((run.last_s - run.first_s) / (requests.output_tokens - 1))[kept]
    assert float(pace.tpot_s) == pytest.approx(tpot.mean(), rel=0.08)
    assert float(pace.requests_per_s) == pytest.approx(COUNT / run.end_s, rel=0.08)
