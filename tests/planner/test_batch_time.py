"""Does a batch job take what a replay of its requests takes, and what its start and its failures add?"""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from planner.batch_time import batch_clock, pooled_run, rolling_run, start_up_s
from planner.failures import failures_per_s
from planner.layout import Layout
from planner.readiness import BOOT_S, weight_sources
from planner.request_stream import ready_requests
from planner.serving import Load, replica_of
from planner.simulation import replay
from planner.step_table import step_table
from pricing.catalog import load_instance_types
from tests.planner.builders import DENSE, SERVED, changed, machine, recipe

LOAD = Load(input_tokens=512, output_tokens=128, context_tokens=640)
FACTORS = changed(SERVED, block_s=1e-5, step_s=1e-4, batched_tokens=2048, largest_batch=64, half_rows=20.0)
REPLICA = replica_of(DENSE, recipe("bf16", of="vllm"), Layout(), machine(memory_bytes=10**10), FACTORS, LOAD)


@pytest.mark.parametrize("sequences", [1, 8, 48])
@pytest.mark.parametrize("requests", [1, 48, 70, 400, 3000])
def test_the_formula_is_what_a_replay_takes(sequences: int, requests: int) -> None:
    """Of any share and any number in flight the formula's time is within a tenth of every request's replay; in a few
    rounds the longest answer decides, so that all are of one length there."""
    told = rolling_run(REPLICA, LOAD.lengths, sequences, float(requests))
    table = step_table(REPLICA, LOAD, sequences)
    variation = 0.25 if requests > 6 * sequences else 0.0
    run = replay(ready_requests(LOAD, requests, seed=1, variation=variation, longest=4000), table, 1)
    assert float(told.work_s) == pytest.approx(run.end_s, rel=0.1)


def test_steps_add_up() -> None:
    """The parts of a step make the step, and the steps the work; arrays answer as single ones do."""
    shares = np.array([10.0, 500.0])
    found = rolling_run(REPLICA, LOAD.lengths, 16, shares)
    assert np.allclose(found.work_s, found.steps * found.step_s)
    assert np.allclose(found.step_s, sum(found.terms.values()))
    assert float(found.work_s[1]) == pytest.approx(float(rolling_run(REPLICA, LOAD.lengths, 16, 500.0).work_s))
    assert float(found.in_flight[0]) == 10


def test_embeddings_fill_every_step() -> None:
    """A batch of embeddings takes a step for as many prompts as the engine's budget holds."""
    load = Load(input_tokens=256, output_tokens=0, context_tokens=256)
    found = pooled_run(REPLICA, load.lengths, 800.0)
    assert float(found.in_flight) == 2048 / 256
    assert float(found.steps) == 100
    assert float(found.work_s) == pytest.approx(100 * float(REPLICA.step_s(0.0, 0.0, 2048.0, 2048 * 128.0)), rel=1e-3)


def test_a_failure_costs_a_start_and_half_of_what_was_in_flight() -> None:
    """Each failure of a replica's accelerators wastes a new node's start and half a block."""
    clock = batch_clock(10_000.0, 600.0, requests_per_s=2.0, in_flight=100.0, accelerators=4)
    assert clock.failures_s == pytest.approx(failures_per_s(4) * (600 + 25) * 10_000)
    assert clock.run_s == pytest.approx(600 + 10_000 + clock.failures_s)


def test_weights_for_the_disk_are_written_first() -> None:
    """Weights come from S3, to the disks no faster than these write; unknown rates stay unknown."""
    known = load_instance_types()
    source = weight_sources(known["g4dn.8xlarge"], None)[0].bytes_per_s
    assert source
    assert start_up_s(known["g4dn.8xlarge"], source) == pytest.approx(BOOT_S + 1)
    assert start_up_s(known["g4dn.8xlarge"], 4096 * 200_000, on_disk=True) == pytest.approx(BOOT_S + 1)
    assert isnan(start_up_s(known["dl1.24xlarge"], 1e9, on_disk=True))
