"""Does a replica keep and read the bytes that it must, and answer no faster than they let it?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from planner.calibration import ServingFactors, load_calibration
from planner.described import machine_of
from planner.errors import PlannerError
from planner.layout import Layout
from planner.measured import Row, parse_measured
from planner.measured_answers import cache_tokens
from planner.models import load_preset
from planner.prompt_queue import PromptQueue
from planner.recipe import Recipe
from planner.serving import (
    PLANNED_SHARE,
    Load,
    held_tokens,
    memory_terms,
    replica_answer,
    replica_memory,
    replica_of,
)
from planner.shape import ModelShape
from planner.work import block_work
from pricing.catalog import load_accelerators
from pricing.instance_type import InstanceType
from pricing.records import replace
from tests.planner.builders import DENSE, LATENT_MIXED, MIXED, SERVED, SHAPES, changed, examples, grid, machine, recipe

BF16 = recipe("bf16", of="vllm")
NODE = machine()
LOAD = Load(input_tokens=1000, output_tokens=200, context_tokens=4096)
# Products at no cost, so that a decode step is its traffic alone.
FREE_PRODUCTS = {"matmul": 1e30, "narrow": 1e30, "attention": 1e30}
TRAFFIC = changed(SERVED, **FREE_PRODUCTS)
# Reading at no cost, so that a step is its products alone.
PRODUCTS = changed(SERVED, memory=1e30, cache=1e30)


def moved(shape: ModelShape, rows: float, tensor: int = 1) -> float:
    """Bytes that norms, residuals and activation functions move for so many tokens; ranks share the inner ones."""
    work = block_work(shape, 1, 2.0)
    return rows * shape.layers * (work.ends_bytes + (work.moved_bytes - work.ends_bytes) / tensor)


def kept(
    shape: ModelShape,
    layout: Layout,
    made: Recipe = BF16,
    on: InstanceType = NODE,
    factors: ServingFactors = SERVED,
) -> dict[str, float]:
    """The terms of a replica's memory, and its capacity."""
    memory = replica_memory(shape, made, layout, on, factors)
    return {name: float(value) for name, value in asdict(memory).items()} | {
        "capacity_tokens": float(memory.capacity_tokens)
    }


def answer(
    shape: ModelShape,
    layout: Layout,
    *,
    made: Recipe = BF16,
    load: Load = LOAD,
    on: InstanceType = NODE,
    factors: ServingFactors = SERVED,
) -> dict[str, float]:
    """A replica's mean answer."""
    found = replica_answer(shape, made, layout, load, on, factors)
    return {name: float(value) for name, value in asdict(found).items()}


@pytest.mark.parametrize(
    ("model", "layout", "bytes_per_token"),
    [
        # 32 blocks x 2 x 8 heads x 128 x 2 bytes.
        ("llama-3.1-8b", Layout(), 131_072),
        ("llama-3.1-8b", Layout(tensor=2), 131_072 / 2),
        ("llama-3.1-8b", Layout(tensor=8), 131_072 / 8),
        # Eight heads are not divided further: ranks beyond them hold copies.
        ("llama-3.1-8b", Layout(tensor=32), 131_072 / 8),
        ("llama-3.1-8b", Layout(pipeline=4), 131_072 / 4),
        # Three of 32 blocks on the fullest of twelve stages, not 2.67.
        ("llama-3.1-8b", Layout(pipeline=12), 131_072 * 3 / 32),
        ("llama-3.1-70b", Layout(), 327_680),
        # A latent of 512 and a rope key of 64 in 61 blocks, on every rank.
        ("deepseek-v3", Layout(), 61 * 576 * 2),
        ("deepseek-v3", Layout(tensor=8), 61 * 576 * 2),
        ("deepseek-v3", Layout(tensor=8, pipeline=2), 31 * 576 * 2),
    ],
)
def test_cache_of_a_token(model: str, layout: Layout, bytes_per_token: float) -> None:
    """A token keeps a key and a value per key head and block, or its latent, of which ranks cannot share one."""
    shape = load_preset(model)
    assert kept(shape, layout)["cache_per_token"] == pytest.approx(bytes_per_token)
    halved = recipe("bf16", "kv-fp8", of="vllm")
    assert kept(shape, layout, halved)["cache_per_token"] == pytest.approx(bytes_per_token / 2)


def test_states_are_spread_over_a_request() -> None:
    """A recurrence's state, 4 bytes an element, is one for each request, so that short requests pay more a token."""
    shape = load_preset("jamba-v0.1")
    cache = 4 * 2 * 8 * 128 * 2
    state = 4 * 28 * (8192 * 16 + 8192 * 4)
    thousand = Load(input_tokens=900, output_tokens=100, context_tokens=1000)
    for tokens, told in ((1000, thousand), (shape.context_tokens, None)):
        memory = replica_memory(shape, BF16, Layout(), NODE, SERVED, told)
        assert float(memory.cache_per_token) == pytest.approx(cache + state / tokens)
    halved = replica_memory(shape, BF16, Layout(tensor=2), NODE, SERVED, thousand)
    assert float(halved.cache_per_token) == pytest.approx((cache + state / 1000) / 2)


def test_the_source_is_cached_too() -> None:
    """A decoder keeps its own keys and values and those that it makes of the source; the encoder keeps none."""
    assert kept(load_preset("flan-t5-xl"), Layout())["cache_per_token"] == 24 * 2 * 2 * 2048 * 2


@pytest.mark.parametrize(
    ("techniques", "block_bits"),
    [(("bf16",), 16), (("bf16", "fp8-weights"), 8), (("bf16", "int4-weights"), 4.16), (("bf16", "int8-weights"), 8.02)],
)
def test_weights_in_few_bits(techniques: tuple[str, ...], block_bits: float) -> None:
    """Quantizing packs the blocks, scales included; embedding and head stay at 16 bits."""
    shape = load_preset("llama-3.1-8b")
    outer = shape.parameters - shape.block_parameters
    weights = kept(shape, Layout(), recipe(*techniques, of="vllm"))["weights"]
    assert weights == pytest.approx(shape.block_parameters * block_bits / 8 + 2 * outer, rel=1e-3)


def test_packed_experts_are_padded() -> None:
    """gpt-oss-120b with experts in MXFP4 takes the 64.4 GiB that vLLM logs, embeddings and attention at 16 bits."""
    made = replace(BF16, block_weight_bytes=0.53125, dense_weight_bytes=2.0)
    weights = kept(load_preset("gpt-oss-120b"), Layout(), made)["weights"]
    assert weights / 2**30 == pytest.approx(64.38, rel=0.01)


def log(row: str, tokens: int) -> Row:
    """A start-up log of vLLM as a measured row."""
    head = "id,engine,engine_version,model,weight_dtype,kv_dtype,accelerator,accelerators,tp,notes,kv_capacity_tokens"
    (found,) = parse_measured(f"{head}\na,vllm,{row},{tokens}", "runs.csv").rows
    return found


@pytest.mark.parametrize(
    ("row", "tokens", "off"),
    [
        # kvcap-007, of a device of 80 GB that is not named, and kvcap-005: 53.29 GiB of 131,072 bytes a token.
        ("0.6.4,Llama-3.1-70B-Instruct (w8a8),int8,bf16,A100-80GB,1,1,util 0.98", 22_096, 0.07),
        ("0.6.4,Llama-3-8B,bf16,bf16,A100-80GB,1,1,util 0.90", 436_551, 0.01),
        ("0.6.4,Llama-3-8B,bf16,bf16,H100-80GB,1,1,util 0.90", 436_551, 0.01),
        # kvcap-006: 58.97 GiB of 65,536 bytes a token on each of two.
        ("0.6.4,Llama-3-8B,bf16,bf16,A100-80GB,2,2,util 0.90", 966_164, 0.04),
        # kvcap-012: 1.71 GiB of 73,728 bytes a token.
        (",gpt-oss-120b,mxfp4,bf16,H100-80GB,1,1,util 0.95; max batched tokens 1024", 24_904, 0.07),
    ],
)
def test_start_up_logs_are_met(row: str, tokens: int, off: float) -> None:
    """The cache that vLLM logs at its start is met within 10 %, and mostly much closer."""
    assert cache_tokens(log(row, tokens), load_calibration()) == pytest.approx(tokens, rel=off)


def test_start_up_picks_tokens_of_all_sequences() -> None:
    """Sorting 1,024 sequences' logits leaves gpt-oss-120b no cache on a device of 80 GB (kvcap-011), fewer do."""
    row = log(",gpt-oss-120b,mxfp4,bf16,H100-80GB,1,1,", 1)
    with pytest.raises(PlannerError, match="no room for a cache"):
        cache_tokens(row, load_calibration())
    shape, on = load_preset("gpt-oss-120b"), machine_of(load_accelerators()["H100-80GB"], 1)
    made = replace(BF16, block_weight_bytes=0.53125, dense_weight_bytes=2.0)
    factors = load_calibration().serving_factors("vllm", "H100-80GB")
    load = Load(input_tokens=512, output_tokens=256, context_tokens=4096)
    found = replica_memory(shape, made, Layout(), on, factors, load)
    assert float(found.activations) < 1024 * 38 * shape.vocab / 4
    assert 64 < float(found.capacity_tokens) / (512 + factors.reserved_share * 256) < 128


def test_what_is_left_is_cache() -> None:
    """The cache has the engine's share of the device but for weights and reserve, and holds as many tokens."""
    factors = changed(SERVED, memory_share=0.9, reserve_bytes=3 * 2**30)
    shape = load_preset("llama-3.1-8b")
    memory = kept(shape, Layout(), factors=factors)
    cache = 0.9 * 80 * 2**30 - 3 * 2**30 - 2 * 8_030_261_248
    assert memory["cache"] == pytest.approx(cache)
    assert memory["capacity_tokens"] == pytest.approx(cache / 131_072)
    assert kept(shape, Layout(tensor=2), factors=factors)["capacity_tokens"] > 2 * memory["capacity_tokens"]


def test_no_room_holds_no_tokens() -> None:
    """A device that is too small for the weights has no capacity, rather than less than none."""
    memory = kept(load_preset("llama-3.1-70b"), Layout())
    assert memory["cache"] < 0 == memory["capacity_tokens"]


def least_bytes(shape: ModelShape, load: Load) -> float:
    """What any decode step reads of the model and one request: active blocks, the head, the cache of its prompt."""
    # A tied matrix is read as the head, an embedding of its own only looked up.
    active = shape.active_parameters - shape.embedding_parameters * (not shape.tied_embeddings)
    cache = sum(run.count * run.attention.cache_width for run in shape.blocks) * load.input_tokens
    return 2.0 * (active + cache)


LAYOUTS = st.builds(
    Layout,
    tensor=st.sampled_from([1, 2, 4, 8]),
    pipeline=st.sampled_from([1, 2, 3, 4]),
    micro_batch=st.sampled_from([1, 2, 4, 16, 64]),
)
LOADS = st.builds(
    Load, input_tokens=st.integers(1, 4000), output_tokens=st.integers(1, 2000), context_tokens=st.just(8192)
)


@examples
@given(st.sampled_from(SHAPES), LAYOUTS, LOADS)
def test_no_token_is_faster_than_its_bytes(shape: ModelShape, layout: Layout, load: Load) -> None:
    """No decode step reads the active weights and a request's cache faster than all devices' bandwidth lets it."""
    tpot = answer(shape, layout, load=load, factors=TRAFFIC)["tpot_s"]
    assert tpot >= least_bytes(shape, load) / (layout.tensor * 2e12) * (1 - 1e-9)


@pytest.mark.parametrize("requests", [1, 16])
@pytest.mark.parametrize("tensor", [1, 2])
def test_a_dense_step_reads_weights_and_live_cache(requests: int, tensor: int) -> None:
    """Bound by traffic, a step reads all weights but the embedding's, and every request's cache at half its answer."""
    took = answer(DENSE, Layout(tensor=tensor, micro_batch=requests), factors=changed(TRAFFIC, link=1e30))
    cache = requests * 8 * 2 * 2 * 64 * (1000 + 100)
    # While one request is answered the prompts of all pass too: what they move is spread over 200 tokens.
    rows = requests * (1 + 1000 / 200)
    read = 2 * (DENSE.block_parameters + DENSE.head_parameters + cache) / tensor + moved(DENSE, rows, tensor)
    assert took["tpot_s"] == pytest.approx(read / 2e12)


@pytest.mark.parametrize("requests", [1, 2, 16])
def test_a_batch_wakes_experts_up(requests: int) -> None:
    """Each request wakes its share of experts, and those that several wake are read once."""
    took = answer(MIXED, Layout(micro_batch=requests), factors=TRAFFIC)["tpot_s"]
    asleep = (14 / 16) ** requests
    cache = requests * 8 * 2 * 2 * 64 * 1100
    read = MIXED.block_parameters + MIXED.head_parameters - asleep * MIXED.expert_parameters + cache
    decoded = 2 * read / 2e12 + moved(MIXED, requests) / 2e12
    # The prompts that are worked on beside wake up the rest.
    rest = requests / 200 * (2 * asleep * MIXED.expert_parameters + moved(MIXED, 1000)) / 2e12
    assert took == pytest.approx(decoded + rest, rel=1e-6)


def test_stages_take_turns() -> None:
    """A request passes all stages in turn: as long as on one device where it is alone, longer never."""
    free = changed(TRAFFIC, link=1e30)

    def step(layout: Layout, requests: int) -> float:
        return float(replica_of(MIXED, BF16, layout, NODE, free).step_s(requests, 1100 * requests))

    # The stages are as long as the last one, which has the head beside its blocks.
    head = 2 * MIXED.head_parameters / 2e12
    assert step(Layout(pipeline=2), 1) == pytest.approx(step(Layout(), 1) + head, rel=1e-3)
    assert step(Layout(pipeline=2), 64) < step(Layout(), 64) + head


def test_a_window_bounds_what_is_read() -> None:
    """Beyond a window older tokens are neither read nor computed with, however long the context."""
    run = DENSE.blocks[0]
    windowed = replace(DENSE, blocks=(replace(run, attention=replace(run.attention, window=128)),))
    loads = [Load(input_tokens=tokens, output_tokens=1, context_tokens=10**6) for tokens in (1000, 100_000)]
    near, far = (
        float(replica_of(windowed, BF16, Layout(), NODE, TRAFFIC).step_s(8, 8 * load.lengths.live)) for load in loads
    )
    read = 2 * (DENSE.block_parameters + DENSE.head_parameters + 8 * 8 * 2 * 2 * 64 * 128) + moved(DENSE, 8)
    assert near == far == pytest.approx(read / 2e12)


@pytest.mark.parametrize(
    ("shape", "width"),
    [
        (DENSE, 2 * 512),
        # Eight heads score the latent of 64 and the rope key of 16, and sum the latent up.
        (LATENT_MIXED, 8 * (64 + 16 + 64)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_computing_step_multiplies_with_every_cached_token(shape: ModelShape, width: int) -> None:
    """Bound by products, a step spends two FLOP per active weight and per element that a query meets."""
    took = float(replica_of(shape, BF16, Layout(), NODE, PRODUCTS).step_s(4, 4 * 10_001))
    # Norms are no products, but a thousandth of the weights.
    active = shape.active_parameters - shape.embedding_parameters
    assert took == pytest.approx(4 * 2 * (active + shape.layers * 10_001 * width) / 1e15, rel=1e-3)


def prefill_s(shape: ModelShape, tokens: int) -> float:
    """Seconds of a prompt's products at the peak: active blocks, and causal attention of half the keys."""
    active = shape.active_parameters - shape.embedding_parameters - shape.head_parameters
    attention = sum(
        run.count * (run.attention.query_width + run.attention.value_width) * tokens / 2 for run in shape.blocks
    )
    return tokens * 2 * (active + attention) / 1e15


@pytest.mark.parametrize("shape", [DENSE, MIXED, LATENT_MIXED], ids=lambda shape: shape.name)
@pytest.mark.parametrize("requests", [1, 8])
def test_decoding_pays_for_the_prompts_of_others(shape: ModelShape, requests: int) -> None:
    """While one request decodes its answer, each in flight is prefilled once, and every token carries its part."""
    replica = replica_of(shape, BF16, Layout(), NODE, PRODUCTS)
    alone = float(replica.step_s(requests, requests * LOAD.lengths.live))
    mixed = answer(shape, Layout(micro_batch=requests), factors=PRODUCTS)["tpot_s"]
    assert mixed - alone == pytest.approx(requests * prefill_s(shape, 1000) / 200, rel=2e-3)


def test_blocks_and_reductions_are_paid_in_each_step() -> None:
    """Each block adds its launches, and under tensor parallelism two all-reduces of the batch's rows."""
    plain = answer(DENSE, Layout(tensor=2, micro_batch=4), factors=changed(TRAFFIC, link=1e30))["tpot_s"]
    launched = answer(DENSE, Layout(tensor=2, micro_batch=4), factors=changed(TRAFFIC, link=1e30, block_s=1.0))
    # A piece of a prompt shares the launches of a step that decodes.
    assert launched["tpot_s"] - plain == pytest.approx(8)
    apart = changed(TRAFFIC, link=1e30, mixes_prompts=False)
    waited = answer(DENSE, Layout(tensor=2, micro_batch=4), factors=changed(apart, block_s=1.0))["tpot_s"]
    unlaunched = answer(DENSE, Layout(tensor=2, micro_batch=4), factors=apart)["tpot_s"]
    # Prompts in steps of their own launch too, for each of four requests, spread over 200 tokens.
    assert waited - unlaunched == pytest.approx(8 * (1 + 4 / 200))
    slow = machine(link_bytes_per_s=1e6)
    reduced = answer(DENSE, Layout(tensor=2, micro_batch=4), on=slow, factors=TRAFFIC)["tpot_s"]
    once = 2 * (1 / 2) * 2 * 512 / 1e6
    assert reduced - plain == pytest.approx(8 * 2 * once * (4 + 4 * 1000 / 200))


def test_the_first_token_waits_for_a_step_and_for_prompts_before() -> None:
    """Time to first token is the prompt's own work, half a step beyond the queue's, and the queue."""
    load = Load(input_tokens=1000, output_tokens=1000, context_tokens=4096)
    took = answer(MIXED, Layout(micro_batch=8), load=load, factors=PRODUCTS)
    replica = replica_of(MIXED, BF16, Layout(), NODE, PRODUCTS)
    with_others = float(replica.step_s(8, 8 * load.lengths.live, 1000, 1000 * 500))
    step = float(replica.step_s(8, 8 * load.lengths.live))
    added = float(replica.step_s(8, 8 * load.lengths.live, 1000, 1000 * 500)) - step
    busy = 8 / (with_others + 1000 * took["tpot_s"]) * added
    queue = PromptQueue(step_s=step, prompt_s=added, busy=busy, mixes=True, occupied=1 - np.exp(-8))
    late = 0.5 * took["tpot_s"]
    assert took["ttft_s"] == pytest.approx(with_others + late + float(queue.wait_s), rel=1e-3)


@examples
@given(st.sampled_from(SHAPES), LAYOUTS, LOADS)
def test_requests_in_flight_are_rate_times_duration(shape: ModelShape, layout: Layout, load: Load) -> None:
    """By Little's law the planned rate keeps the planned share of the replica's requests in flight."""
    took = answer(shape, layout, load=load)
    assert took["request_s"] == pytest.approx(took["ttft_s"] + (load.output_tokens - 1) * took["tpot_s"])
    assert took["requests_per_s"] * took["request_s"] == pytest.approx(PLANNED_SHARE * layout.micro_batch)


@pytest.mark.parametrize(
    ("changes", "layout", "known"),
    [
        ({"flop_per_s": None}, Layout(), False),
        ({"memory_bytes_per_s": None}, Layout(), False),
        ({"link_bytes_per_s": None}, Layout(), True),
        ({"link_bytes_per_s": None}, Layout(tensor=2), False),
        ({"link_bytes_per_s": None}, Layout(pipeline=2), False),
        ({"network_bytes_per_s": None}, Layout(tensor=8), True),
        ({"network_bytes_per_s": None}, Layout(tensor=8, pipeline=2), False),
    ],
)
def test_an_answer_is_unknown_where_a_rate_it_needs_is(changes: dict[str, Any], layout: Layout, known: bool) -> None:
    """NaN stands for an answer that needs a rate which no source states, and for no other; memory stays known."""
    on = machine(**changes)
    assert bool(np.isfinite(list(answer(DENSE, layout, on=on).values())).all()) is known
    assert np.isfinite(list(kept(DENSE, layout, on=on).values())).all()


@examples
@given(
    st.sampled_from(SHAPES),
    LAYOUTS,
    LOADS,
    st.sampled_from(["flop_per_s", "memory_bytes_per_s", "link_bytes_per_s", "network_bytes_per_s"]),
    st.floats(0.01, 1.0),
)
def test_faster_machines_answer_no_later(
    shape: ModelShape, layout: Layout, load: Load, rate: str, share: float
) -> None:
    """No token takes longer when a peak or a bandwidth rises."""
    peaks: dict[str, Any] = {
        "flop_per_s": 1e13,
        "memory_bytes_per_s": 1e11,
        "link_bytes_per_s": 1e9,
        "network_bytes_per_s": 1e9,
    }
    fast = answer(shape, layout, load=load, on=machine(**peaks))
    slow = answer(shape, layout, load=load, on=machine(**{**peaks, rate: share * peaks[rate]}))
    assert fast["tpot_s"] <= slow["tpot_s"] * (1 + 1e-9)


@examples
@given(st.sampled_from(SHAPES), LAYOUTS, LOADS)
def test_more_requests_in_flight_slow_each_down(shape: ModelShape, layout: Layout, load: Load) -> None:
    """A fuller replica answers each request no faster."""
    few = answer(shape, layout, load=load)
    many = answer(shape, replace(layout, micro_batch=2 * layout.micro_batch), load=load)
    assert few["tpot_s"] <= many["tpot_s"] * (1 + 1e-9)


@examples
@given(st.sampled_from(SHAPES), st.lists(LAYOUTS, min_size=1, max_size=4), LOADS)
def test_arrays_agree_with_single_layouts(shape: ModelShape, layouts: list[Layout], load: Load) -> None:
    """An array of layouts keeps and answers what each layout does, and memory's terms fill the engine's share."""
    factors = changed(SERVED, block_s=1e-4, network_latency_s=1e-5, memory_share=0.9, reserve_bytes=2**30)
    rows = grid(layouts)
    memory = replica_memory(shape, BF16, rows, NODE, factors)
    answers = replica_answer(shape, BF16, rows, load, NODE, factors)
    for index, layout in enumerate(layouts):
        held = kept(shape, layout, factors=factors)
        took = answer(shape, layout, load=load, factors=factors)
        assert held["weights"] + held["reserve"] + held["cache"] == pytest.approx(0.9 * 80 * 2**30)
        for name, value in held.items():
            assert float(np.asarray(getattr(memory, name))[index]) == pytest.approx(value)
        for name, value in took.items():
            assert float(np.asarray(getattr(answers, name))[index]) == pytest.approx(value)


@pytest.mark.parametrize(
    ("load", "held", "shared"),
    [
        (replace(LOAD, context_tokens=50_000), 2 * 50_000, 0),
        (replace(LOAD, context_tokens=1200), 64 * 1200, 0),
        (replace(LOAD, context_tokens=1200, known_share=0.5), 64 * 1200, 2 * 500),
        (Load(input_tokens=400, output_tokens=0, context_tokens=9000), 9000, 0),
    ],
)
def test_the_terms_of_memory_are_what_a_replica_needs(load: Load, held: int, shared: int) -> None:
    """The cache that is told is what the search asks for: a whole context on each data rank, an embedding's step."""
    layout, factors = Layout(micro_batch=64, data=2), changed(SERVED, batched_tokens=512)
    memory = replica_memory(DENSE, BF16, layout, NODE, factors, load)
    terms = memory_terms(memory, load, layout, factors)
    assert terms["cache in use"] == pytest.approx(held * memory.cache_per_token)
    assert terms["shared prefix"] == pytest.approx(shared * memory.cache_per_token)
    wanted = held_tokens(load, layout.micro_batch, factors.batched_tokens, layout.data)
    assert sum(terms.values()) == pytest.approx(memory.need_bytes(wanted, 1.0))
    assert memory.need_bytes(wanted, 0.5) - memory.need_bytes(wanted, 1.0) == pytest.approx(
        wanted * memory.cache_per_token
    )
