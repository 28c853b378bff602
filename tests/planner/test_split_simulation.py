"""Do requests pass both roles in turn, as the formulas say?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.handover import Served
from planner.layout import Layout
from planner.replica_clock import StepTable
from planner.request_stream import poisson_requests
from planner.serving import Load, replica_of
from planner.simulated import simulated
from planner.simulation import Requests
from planner.split_record import Split
from planner.split_simulation import SplitFleet, expected_of_split, replay_split
from planner.step_table import step_table
from tests.planner.builders import DENSE, LINK, SERVED, changed, machine, recipe

LOAD = Load(input_tokens=1000, output_tokens=100, context_tokens=4000)
FACTORS = changed(SERVED, batched_tokens=2048, largest_batch=64, block_s=1e-4, admission_steps=0.5, request_s=1e-3)
SERVES = Served(shape=DENSE, recipe=recipe("bf16", of="vllm"), machine=machine(), factors=FACTORS, load=LOAD)


def fleet(prefill: int = 1, decode: int = 2, handover_s: float = 0.02) -> SplitFleet:
    """Replicas of one device each."""
    split = Split(
        layout=Layout(),
        replicas=prefill,
        busy=0.5,
        queue_s=0.0,
        prompt_s=0.0,
        handover_s=handover_s,
        handover_bytes=1,
        hands_over="a connector",
        one_node=True,
    )
    return SplitFleet(served=SERVES, split=split, decode=Layout(micro_batch=16), replicas=decode)


def table() -> StepTable:
    """The steps of a replica that decodes."""
    return step_table(replica_of(DENSE, SERVES.recipe, Layout(), SERVES.machine, FACTORS, LOAD), LOAD, 64)


def test_a_request_alone_passes_both() -> None:
    """Alone it takes its prompt, the handover, in proportion to its length, and a step for each token."""
    found = fleet()
    alone = Requests(at_s=np.array([1.0]), input_tokens=np.array([500]), output_tokens=np.array([10]))
    steps = table()
    run = replay_split(alone, found, steps)
    replica = replica_of(DENSE, SERVES.recipe, Layout(), SERVES.machine, FACTORS, LOAD)
    prompt, step = float(replica.prefill_s(500)), float(replica.step_s(1, 500))
    assert float(run.first_s[0]) == pytest.approx(1.0 + prompt + 0.5 * 0.02 + step, rel=0.02)
    assert float(run.last_s[0] - run.first_s[0]) == pytest.approx(9 * step, rel=0.05)


def test_requests_keep_their_places() -> None:
    """Who comes later is told later, whatever order caches arrive in: a long prompt first, a short one behind."""
    two = Requests(at_s=np.array([0.0, 0.0]), input_tokens=np.array([2000, 10]), output_tokens=np.array([5, 5]))
    run = replay_split(two, fleet(prefill=2, handover_s=0.5), table())
    assert run.first_s[1] < run.first_s[0]
    assert list(run.at_s) == [0.0, 0.0]


@pytest.mark.parametrize("rate", [50.0, 150.0])
def test_formulas_and_simulation_agree(rate: float) -> None:
    """At moderate load mean TTFT, TPOT and rate of the formulas are those of the simulation within its tolerance."""
    # A thousand tokens of 4,096 bytes over the link of a node.
    found, steps = fleet(handover_s=4_096_000 / LINK), table()
    requests = poisson_requests(LOAD, rate, 4000, 0, 0.25)
    expected = expected_of_split(requests, found, 64)
    run = replay_split(requests, found, steps)
    figures = simulated(requests, steps, 2, expected, warm_up=True, replayed=run)
    assert all(each.agrees for each in figures.compared), figures.compared
