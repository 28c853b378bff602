"""Do adapters take the memory and the time of those that are asked for at once?"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.models import load_preset
from planner.recipe import Adapter, AdapterTargets
from planner.served_adapters import BLOCK_LAUNCHES_S, ServedAdapters
from planner.serving import Load, replica_memory, replica_of
from planner.step_work import step_work
from pricing.records import replace
from tests.planner.builders import BANDWIDTH, DENSE, NODE, SERVED, recipe

BF16 = recipe("bf16", of="vllm")
FIFTY = ServedAdapters(count=50, adapter=Adapter(rank=16))
LOAD = Load(input_tokens=1000, output_tokens=200, context_tokens=1200)


def test_an_adapter_has_as_many_parameters_as_published() -> None:
    """Rank 16 on all matrices of Llama 3.1 8B: 41.9 million parameters (PEFT's print_trainable_parameters)."""
    assert FIFTY.parameters(load_preset("llama-3.1-8b")) == 41_943_040


@pytest.mark.parametrize(("in_flight", "loaded", "slots"), [(4, None, 4), (64, None, 50), (64, 8, 8), (2, 8, 8)])
def test_the_device_holds_those_that_may_be_asked_for(in_flight: int, loaded: int | None, slots: int) -> None:
    """One for each request in flight and no more than there are, unless the user says how many."""
    adapters = replace(FIFTY, loaded=loaded)
    memory = replica_memory(DENSE, BF16, Layout(micro_batch=in_flight), NODE, SERVED, replace(LOAD, adapters=adapters))
    assert float(memory.adapters) == 2 * slots * FIFTY.parameters(DENSE)


def test_tensor_ranks_divide_one_product_of_the_two() -> None:
    """Of two ranks each has three quarters, of stages each its own blocks'."""
    one, two, staged = (
        float(FIFTY.device_bytes(DENSE, Layout(micro_batch=64, **degrees)))
        for degrees in ({}, {"tensor": 2}, {"pipeline": 2})
    )
    assert (two, staged) == (0.75 * one, 0.5 * one)


@pytest.mark.parametrize(("sequences", "different"), [(1, 1.0), (2, 1.98), (50, 31.79)])
def test_a_step_reads_each_adapter_once(sequences: int, different: float) -> None:
    """Of fifty equally likely ones so many different ones are in a batch, each read at the memory's rate."""
    layout = Layout(micro_batch=64)
    work = step_work(DENSE, BF16, layout, NODE)
    found = FIFTY.work(DENSE, layout, NODE).step_s(work, replace(SERVED, matmul=1e9), sequences, 0.0)
    each = 2 * FIFTY.parameters(DENSE) / BANDWIDTH
    assert float(found) == pytest.approx(DENSE.layers * BLOCK_LAUNCHES_S + different * each, rel=1e-3)


def test_an_adapter_that_is_not_loaded_comes_from_the_host() -> None:
    """42 of 50 requests wait for 25 GB/s, on average; none where all are loaded."""
    few, every = (
        replica_of(DENSE, BF16, Layout(micro_batch=64), NODE, SERVED, replace(LOAD, adapters=each))
        for each in (replace(FIFTY, loaded=8), FIFTY)
    )
    assert float(few.received_s(0)) == pytest.approx(0.84 * 2 * FIFTY.parameters(DENSE) / 25e9)
    assert float(every.received_s(0)) == 0


def test_fewer_targets_are_smaller() -> None:
    """Adapters of queries and values alone are a part of those of all matrices."""
    some = replace(FIFTY, adapter=Adapter(rank=16, targets=AdapterTargets.QUERY_VALUE))
    assert 0 < some.host_bytes(DENSE) < FIFTY.host_bytes(DENSE) / 2
