"""Do the formulas for embeddings say what a simulation of their steps does?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.layout import Layout
from planner.models import load_preset
from planner.pooling import pooled, pooled_loop, without_head
from planner.replica import Replica
from planner.request_stream import poisson_requests
from planner.serving import Load, held_tokens, replica_memory, replica_of
from planner.serving_modes import Lengths
from planner.shape import ModelShape
from planner.simulation import replay
from planner.step_table import prompt_share, step_table
from pricing.records import replace
from tests.planner.builders import DENSE, NODE, SERVED, changed, recipe

BF16 = recipe("bf16", of="vllm")
LOAD = Load(input_tokens=256, output_tokens=0, context_tokens=512)
LENGTHS = Lengths(prompt=256.0, answer=0.0)
ENCODER = replace(
    DENSE,
    name="encoder",
    blocks=(replace(DENSE.blocks[0], attention=replace(DENSE.blocks[0].attention, causal=False)),),
)


def replica(shape: ModelShape = ENCODER, batched_tokens: int = 8192, step_s: float = 2e-3) -> Replica:
    """A replica whose steps have a fixed part."""
    factors = changed(SERVED, step_s=step_s, half_rows=0.0, largest_batch=1024, batched_tokens=batched_tokens)
    return replica_of(shape, BF16, Layout(), NODE, factors, LOAD)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
@pytest.mark.parametrize("step_s", [2e-3, 1e-4])
def test_the_formula_agrees_with_a_simulation(share: float, step_s: float) -> None:
    """Mean times to the embedding, from an idle replica to a busy one, steps that grow with prompts and that do not."""
    made = replica(step_s=step_s)
    most = float(pooled_loop(made, LENGTHS, 64).requests_per_s)
    requests = poisson_requests(LOAD, share * most, 6000, 0)
    run = replay(requests, step_table(made, LOAD, 1024), 1)
    in_flight = np.geomspace(1e-3, 300, 400)
    paces = pooled(made, LENGTHS, in_flight)
    expected = float(np.interp(share * most, paces.requests_per_s, paces.ttft_s))
    assert expected == pytest.approx(float((run.last_s - run.at_s).mean()), rel=0.12)


@pytest.mark.parametrize("load", [0.2, 0.5, 0.8])
def test_one_prompt_a_step_is_the_queue_of_the_textbook(load: float) -> None:
    """M/D/1: a request waits for u / (2 (1 - u)) services on average, and is served in one."""
    made = replica(batched_tokens=256)
    service = float(made.step_s(0, 0, 256, 256**2 / 2))
    waited = service * (1 + load / (2 * (1 - load)))
    in_flight = load / service * waited
    assert float(pooled(made, LENGTHS, in_flight).ttft_s) == pytest.approx(waited, rel=0.02)


@pytest.mark.parametrize("clients", [1, 2, 8, 100])
def test_littles_law_holds(clients: int) -> None:
    """Clients are rate times time, at random and in a closed loop."""
    for pace in (pooled(replica(), LENGTHS, clients), pooled_loop(replica(), LENGTHS, clients)):
        assert float(pace.requests_per_s * pace.ttft_s) == pytest.approx(clients)
        assert float(pace.request_s(LENGTHS)) == float(pace.ttft_s)


def test_an_encoder_keeps_no_cache() -> None:
    """So that its cache holds any number of tokens; a decoder's must hold those of a step."""
    factors = changed(SERVED, batched_tokens=8192)
    encoder, decoder = (replica_memory(each, BF16, Layout(), NODE, factors, LOAD) for each in (ENCODER, DENSE))
    assert float(encoder.cache_per_token) == 0 and np.isinf(float(encoder.capacity_tokens))
    assert float(decoder.cache_per_token) > 0
    assert float(held_tokens(LOAD, 64, 8192)) == 8192


def test_an_embedding_needs_no_head() -> None:
    """Of BERT neither the matrix of logits nor the layer before it, of Llama 3 70B 1.05 billion parameters."""
    bert, llama = load_preset("bert-base"), load_preset("llama-3-70b")
    assert without_head(bert).logits_width == 0
    assert llama.parameters - without_head(llama).parameters == 8192 * 128_256
    loaded = replica_memory(llama, BF16, Layout(), NODE, SERVED, LOAD)
    assert float(loaded.weights) == pytest.approx(2 * without_head(llama).parameters)


def test_tokens_of_an_encoder_meet_those_behind_them() -> None:
    """Twice the pairs of a causal mask."""
    encoder, decoder = (replica(each).work for each in (ENCODER, DENSE))
    assert float(encoder.pair_flop) == 2 * float(decoder.pair_flop)


def test_all_time_is_the_prompts() -> None:
    """Nothing is shared with answers."""
    assert prompt_share(replica(), LOAD, 8) == 1.0
