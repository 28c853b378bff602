"""Do ranks divide attention and experts once, and is what they exchange paid for?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.expert_ranks import MEASURED_RANKS, busiest_share, fullest_rank, gathered_bytes
from planner.layout import Layout
from planner.resident import Stage, resident
from planner.serving import replica_memory, replica_of
from pricing.instance_type import InstanceType
from pricing.records import replace
from tests.planner.builders import DENSE, LATENT_MIXED, LINK, MIXED, NETWORK, SERVED, changed, examples, machine, recipe

BF16 = recipe("bf16", of="vllm")
NODE = machine()
FACTORS = changed(SERVED, batched_tokens=512)
DATA = st.sampled_from([1, 2, 4, 8])


def memory(layout: Layout, on: InstanceType = NODE) -> dict[str, float]:
    """Weights and cache of a token on a device of a replica of the latent mixture."""
    found = replica_memory(LATENT_MIXED, BF16, layout, on, FACTORS)
    return {name: float(getattr(found, name)) for name in ("weights", "cache_per_token", "capacity_tokens")}


@given(DATA, DATA)
@examples
def test_data_ranks_share_experts_and_nothing_else(tensor: int, data: int) -> None:
    """Weights of a device are its tensor part of what every token passes, and its part of the experts among all."""
    held = resident(LATENT_MIXED, Layout(), Stage.FIRST, None)
    found = memory(Layout(tensor=tensor, data=data, expert=tensor * data))
    assert found["weights"] == pytest.approx(
        2 * (held.dense + held.outer) / tensor + 2 * held.experts / (tensor * data), rel=1e-3
    )
    assert found["weights"] == pytest.approx(memory(Layout(tensor=tensor, data=data))["weights"])


@given(DATA)
@examples
def test_data_ranks_have_each_their_cache(data: int) -> None:
    """Of a replica's tokens each rank keeps its share, where tensor ranks each keep a copy of the latent."""
    alone, shared = memory(Layout()), memory(Layout(data=data))
    assert shared["cache_per_token"] == pytest.approx(alone["cache_per_token"] / data)
    assert memory(Layout(tensor=data))["cache_per_token"] == pytest.approx(alone["cache_per_token"])
    assert shared["capacity_tokens"] >= data * alone["capacity_tokens"]


def test_gathered_rows_take_room() -> None:
    """All data ranks' rows, and their answers, are on each rank in 16 bits; without data ranks there is no exchange."""
    assert float(gathered_bytes(MIXED, Layout(tensor=8), 512)) == 0
    assert float(gathered_bytes(MIXED, Layout(data=4), 512)) == 2 * 2 * MIXED.hidden * 512 * 4


@pytest.mark.parametrize("expert", [1, 8])
def test_experts_of_tensor_ranks_exchange_nothing(expert: int) -> None:
    """Without data ranks every rank has every row: the step of a mixture is no longer by how experts are laid out."""
    slow = replace(NODE, network_bytes_per_s=1.0)
    for on in (NODE, slow):
        found = replica_of(MIXED, BF16, Layout(tensor=8, expert=expert), on, FACTORS).step_s(64, 64_000)
        whole = replica_of(MIXED, BF16, Layout(tensor=8), NODE, FACTORS).step_s(64, 64_000)
        assert float(found) == pytest.approx(float(whole))


@pytest.mark.parametrize(("data", "rate"), [(8, LINK), (16, NETWORK)])
def test_an_exchange_is_an_all_reduce_of_all_rows(data: int, rate: float) -> None:
    """Every block with experts gathers all rows and scatters their sums: over the link in a node, else the network."""
    rows, ranks = 64, data
    only = changed(FACTORS, memory=1e12, cache=1e12, matmul=1e12, narrow=1e12, attention=1e12)
    found = float(replica_of(MIXED, BF16, Layout(data=data), NODE, only).step_s(rows, 0))
    moved = 2 * (ranks - 1) / ranks * rows * MIXED.hidden * 2 / rate
    assert found == pytest.approx(MIXED.layers * moved, rel=1e-3)
    late = changed(only, reduce_s=1e-3, network_latency_s=1e-2)
    further = float(replica_of(MIXED, BF16, Layout(data=data), NODE, late).step_s(rows, 0)) - found
    assert further == pytest.approx(MIXED.layers * (1e-3 + (2e-2 if data > 8 else 0)), rel=1e-3)


@given(st.floats(1.0, 3.0), st.integers(1, 256))
@examples
def test_the_fullest_rank_is_fuller_the_more_there_are(imbalance: float, ranks: int) -> None:
    """One rank has the mean, up to the measured number it is as measured, and beyond it never falls."""
    found = float(fullest_rank(imbalance, ranks))
    if ranks == 1:
        assert found == 1
    elif ranks <= MEASURED_RANKS:
        assert found == pytest.approx(imbalance)
    assert found <= float(fullest_rank(imbalance, ranks + 1)) * (1 + 1e-12)


@given(DATA, st.floats(1, 1e5), st.floats(1, 1e5))
@examples
def test_the_busiest_rank_has_a_whole_prompt(data: int, tokens: float, prompt: float) -> None:
    """It has its share of a step's prompts, or one of them; all of it where there is one, or one rank."""
    found = float(busiest_share(data, tokens, prompt))
    assert found * tokens >= min(prompt, tokens) * (1 - 1e-9)
    assert 1 / data <= found <= 1
    assert float(busiest_share(1, tokens, prompt)) == 1 == float(busiest_share(data, tokens, np.inf))


@given(DATA, st.integers(1, 64))
@examples
def test_no_step_beats_its_bytes(data: int, requests: int) -> None:
    """A step takes at least as long as one rank's dense weights, and its part of the chosen experts, take to read."""
    layout, held = Layout(data=data, expert=data), resident(LATENT_MIXED, Layout(), Stage.FIRST, None)
    mlp = LATENT_MIXED.blocks[-1].mlp
    touched = held.experts * mlp.experts_per_token / mlp.experts / data
    floor = 2 * (held.dense + touched) / float(NODE.memory_bytes_per_s_per_device or 0)
    assert float(replica_of(LATENT_MIXED, BF16, layout, NODE, FACTORS).step_s(requests, 0)) >= floor * (1 - 1e-9)


def test_dense_models_have_no_exchange() -> None:
    """No block of a dense model exchanges rows."""
    found = replica_of(DENSE, BF16, Layout(tensor=8), NODE, FACTORS).work
    assert float(found.exchange_blocks) == 0
