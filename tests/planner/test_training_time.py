"""Does a step take the time that its work needs at the rates given?

Factors are ideal unless a test says otherwise, so that every term can be worked out by hand. What collectives
take is in test_training_traffic.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.layout import Layout
from planner.models import load_preset
from planner.recipe import Place, Recipe, Recompute, Schedule
from planner.shape import ModelShape
from planner.training_time import StepTime, step_time
from planner.work import block_work, head_flop, model_flop
from pricing.records import replace
from tests.planner.builders import (
    BANDWIDTH,
    DENSE,
    FSDP,
    IDEAL,
    LATENT_MIXED,
    LORA,
    LOSSY,
    MIXED,
    NODE,
    PEAK,
    SHAPES,
    TOKENS,
    ZERO1,
    changed,
    examples,
    grid,
    machine,
    recipe,
    step,
    terms,
)


@pytest.mark.parametrize("recompute", ["recompute-none", "recompute-full"])
def test_blocks_take_no_less_than_the_greatest_utilization_lets_them(recompute: str) -> None:
    """What a step would gain beyond the bound is a term of its own; where it is slower by itself there is none."""
    layout, free = Layout(tensor=2, micro_batches=3), replace(IDEAL, most_utilization=1.0)
    bound = replace(IDEAL, most_utilization=0.8)
    plain, held = (step(layout, made=recipe("bf16", "adamw", recompute), factors=each) for each in (free, bound))
    flop = model_flop(DENSE, TOKENS) - 3 * head_flop(DENSE)
    least = 3 * TOKENS * flop / (0.8 * PEAK * 2)
    own = sum(plain[name] for name in ("matmul", "attention", "memory_bound", "recompute", "tensor_parallel"))
    assert plain["unproven"] == 0
    assert held["unproven"] == pytest.approx(max(least - own, 0.0))
    assert held["total"] == pytest.approx(plain["total"] + held["unproven"])


@pytest.mark.parametrize("model", ["llama-3.1-8b", "llama-2-13b", "mixtral-8x7b"])
def test_products_take_6_n_over_the_peak(model: str) -> None:
    """A device at its peak spends 6 N_active FLOP a token on products, the embedding left out."""
    shape = load_preset(model)
    took = step(Layout(micro_batch=2, micro_batches=3), shape=shape, on=machine(memory_bytes_per_s=1e30))
    used = shape.active_parameters - shape.embedding_parameters
    assert took["matmul"] + took["head_and_loss"] == pytest.approx(6 * used * 6 * TOKENS / PEAK, rel=2e-3)


def test_attention_goes_back_at_two_and_a_half() -> None:
    """Flash attention's backward takes five products for the two of its forward."""
    forward = DENSE.layers * TOKENS * block_work(DENSE, TOKENS, 2).attention_flop / PEAK
    assert step(Layout())["attention"] == pytest.approx(3.5 * forward)


def test_a_frozen_base_saves_a_third_of_the_products() -> None:
    """Adapters need gradients of inputs and not of weights: two passes of products instead of three."""
    made = recipe("bf16", "lora", "adamw", "replicated", of="huggingface", adapter=LORA)
    full, frozen = step(Layout()), step(Layout(), made=made)
    assert frozen["matmul"] == pytest.approx(2 / 3 * full["matmul"])
    assert frozen["attention"] == full["attention"]


def test_blocks_below_the_trained_ones_go_forward_alone() -> None:
    """With a quarter of the blocks trained, the others have neither a backward pass nor anything done again for it."""
    made = recipe("bf16", "adamw", "replicated", of="huggingface")
    again = replace(made, recompute=Recompute.FULL)
    full, part = (step(Layout(), made=replace(again, trained_share=share)) for share in (1.0, 0.25))
    assert part["matmul"] == pytest.approx((1 + 2 / 4) / 3 * full["matmul"])
    assert part["attention"] == pytest.approx((1 + 2.5 / 4) / 3.5 * full["attention"])
    assert part["recompute"] == pytest.approx(full["recompute"] / 4)
    assert part["head_and_loss"] == full["head_and_loss"]
    shared = (step(Layout(data=8), made=replace(again, trained_share=share)) for share in (1.0, 0.25))
    assert next(shared)["data_parallel"] > next(shared)["data_parallel"]


def test_recompute_adds_what_it_does_again() -> None:
    """Full recompute adds one forward pass of the blocks; selective half the products and the small operations."""
    plain = step(Layout(), made=FSDP)
    full = step(Layout(), made=recipe("bf16", "adamw", "fsdp", "recompute-full", of="torchtitan"))
    half = step(Layout(), made=recipe("bf16", "adamw", "fsdp", "recompute-selective", of="torchtitan"))
    forward = plain["matmul"] / 3 + plain["attention"] / 3.5 + plain["memory_bound"] / 3
    assert plain["recompute"] == 0
    assert full["recompute"] == pytest.approx(forward)
    assert half["recompute"] == pytest.approx(plain["matmul"] / 6 + plain["memory_bound"] / 3)


def test_small_operations_move_their_bytes() -> None:
    """Norms, residuals and activations read and write their rows, once forward and twice backward."""
    moved = DENSE.layers * TOKENS * block_work(DENSE, TOKENS, 2).moved_bytes
    assert step(Layout())["memory_bound"] == pytest.approx(3 * moved / BANDWIDTH)


@pytest.mark.parametrize(("shape", "experts"), [(DENSE, 0), (MIXED, 16)], ids=["dense", "mixed"])
def test_packed_weights_are_unpacked_in_each_pass(shape: ModelShape, experts: int) -> None:
    """QLoRA reads every packed weight of a block, idle experts' too, and writes it in 16 bits, once each way."""
    made = recipe("bf16", "lora", "nf4", "adamw", "replicated", of="huggingface", adapter=LORA)
    plain = recipe("bf16", "lora", "adamw", "replicated", of="huggingface", adapter=LORA)
    matrices = shape.block_parameters - 2 * shape.hidden * shape.layers
    added = (
        step(Layout(), shape=shape, made=made)["memory_bound"] - step(Layout(), shape=shape, made=plain)["memory_bound"]
    )
    assert shape.experts == experts
    assert added == pytest.approx(2 * matrices * (made.block_weight_bytes + 2) / BANDWIDTH)


def test_launches_are_a_floor() -> None:
    """A block that computes next to nothing takes its launches, forward and twice backward; a busy one nothing."""
    idle = step(Layout(micro_batches=5), factors=changed(IDEAL, launch_s_per_block=1.0))
    compute = idle["matmul"] + idle["attention"] + idle["memory_bound"]
    assert idle["launches"] + compute == pytest.approx(5 * DENSE.layers * 3)
    assert step(Layout(), factors=changed(IDEAL, launch_s_per_block=1e-12))["launches"] == 0


@pytest.mark.parametrize(
    ("factors", "layout", "slower"),
    [
        # Forward and backward to inputs, half of the products make 1024 x 1536 outputs and half 1024 x 512; those for
        # weights make 1536 x 512. Twice the time where there are as many as the factor says.
        ({"outputs_half": 1024 * 1536}, Layout(), (2 + 4 + 3) / 3),
        ({"outputs_half": 1024 * 1536}, Layout(micro_batch=2), (1.5 + 2.5 + 3) / 3),
        ({"outputs_half": 1024 * 1536}, Layout(tensor=2), (3 + 4 + 5) / 3),
        # They sum over 512 elements, over 1536, and over the 1024 rows.
        ({"depth_half": 512}, Layout(), (2 + 4 / 3 + 1.5) / 3),
        ({"depth_half": 512}, Layout(context=2), (2 + 4 / 3 + 2) / 3),
        ({"depth_half": 512}, Layout(tensor=3), (2 + 2 + 1.5) / 3),
        ({"matmul": {"bf16": 0.25}}, Layout(), 4),
    ],
)
def test_products_are_slower_where_they_are_small(factors: dict[str, Any], layout: Layout, slower: float) -> None:
    """Few outputs, short sums and a low share of the peak each slow the products down by their law."""
    assert step(layout, factors=changed(IDEAL, **factors))["matmul"] == pytest.approx(slower * step(layout)["matmul"])


# Its memory takes no time.
INSTANT = machine(accelerators=8, memory_bytes_per_s=1e30)
EVERYTHING_AT_ONCE = machine(flop_per_s=1e30, memory_bytes_per_s=1e30, link_bytes_per_s=1e30)


def test_experts_with_few_rows_wait_for_their_weights() -> None:
    """Each pass reads the weights of all experts of a device, and gradients are read and written, whatever the peak."""
    work, layout = block_work(MIXED, 1, 2), Layout(data=8)
    held = work.expert_flop / work.expert_share / 2
    took, free = (step(layout, shape=MIXED, on=each, sequence_tokens=1)["matmul"] for each in (NODE, INSTANT))
    bytes_a_pass = 2 * held * ZERO1.gathered_weight_bytes + 2 * held * ZERO1.gradient_bytes
    assert took - free == pytest.approx(MIXED.layers * bytes_a_pass / BANDWIDTH, rel=1e-2)


@pytest.mark.parametrize("expert", [1, 2, 8])
def test_experts_pool_the_tokens_of_their_group(expert: int) -> None:
    """An expert sees the tokens of all ranks of its group that are sent to it, so spreading fills its products."""
    rows = TOKENS * 2 / 16 * expert
    layout, work = Layout(data=8, expert=expert), block_work(MIXED, TOKENS, 2)
    took = step(layout, shape=MIXED, on=INSTANT, factors=changed(IDEAL, depth_half=rows))["matmul"]
    # Sums over the hidden and the inner width, and for weights over an expert's rows: twice the time at so many.
    wide, expert_wide, hidden = work.dense_width, work.expert_width, MIXED.hidden
    dense = work.dense_flop * (3 + rows / hidden + rows / wide + rows / TOKENS)
    experts = work.expert_flop * (3 + rows / hidden + rows / expert_wide + 1)
    assert took == pytest.approx(MIXED.layers * TOKENS * (dense + experts) / PEAK)


def test_the_fullest_expert_rank_sets_the_pace() -> None:
    """Routed products and their all-to-alls take as much longer as the fullest rank has more tokens than the mean."""
    layout = Layout(data=8, expert=8)
    even, uneven = (
        step(layout, shape=MIXED, on=INSTANT, factors=changed(IDEAL, imbalance=each)) for each in (1.0, 1.5)
    )
    work = block_work(MIXED, TOKENS, 2)
    routed = 3 * MIXED.layers * TOKENS * work.expert_flop / PEAK
    assert uneven["matmul"] - even["matmul"] == pytest.approx(0.5 * routed)
    assert uneven["expert_parallel"] == pytest.approx(1.5 * even["expert_parallel"])


def test_attention_that_is_not_fused_moves_its_scores() -> None:
    """Every score is computed, masked or not, and passes through memory; the backward pass takes twice as long."""
    made = replace(ZERO1, score_share=1.0)
    work = block_work(DENSE, TOKENS, 2)
    products = 2 * work.attention_flop / PEAK
    scores = DENSE.heads * TOKENS * 12 / BANDWIDTH
    took = step(Layout(), made=made, factors=changed(IDEAL, score_bytes=12.0))
    assert took["attention"] == pytest.approx(3 * DENSE.layers * TOKENS * (products + scores))


def test_heads_that_tensor_cores_cannot_take_are_slow() -> None:
    """Products over heads of a width that is no multiple of 8 run at half of the float32 rate."""
    run = DENSE.blocks[0]
    heads = replace(run, attention=replace(run.attention, heads=DENSE.heads, head_width=60))
    shape = replace(DENSE, hidden=60 * DENSE.heads, blocks=(heads,))
    chip = replace(NODE.accelerator, flop_per_s={"bf16": PEAK, "fp32": PEAK / 16})
    made = replace(ZERO1, score_share=1.0)
    took = step(Layout(), shape=shape, made=made, on=replace(NODE, accelerator=chip))
    flop = 2 * block_work(shape, TOKENS, 2).attention_flop
    assert took["attention"] == pytest.approx(3 * shape.layers * TOKENS * flop / (PEAK / 32))


def test_short_sequences_fill_attention_less() -> None:
    """Fused attention reaches half of its rate at as many tokens as the factor says."""
    half = step(Layout(), factors=changed(IDEAL, attention_half=float(TOKENS)))
    assert half["attention"] == pytest.approx(2 * step(Layout())["attention"])


def test_what_is_not_fused_moves_more() -> None:
    """Small operations take as many times their bytes as the software moves them."""
    assert step(Layout(), factors=changed(IDEAL, traffic=2.5))["memory_bound"] == pytest.approx(
        2.5 * step(Layout())["memory_bound"]
    )


def test_norms_are_shared_along_the_sequence_alone() -> None:
    """Without sequence parallelism each tensor rank does the norms and residuals of all tokens."""
    work = block_work(DENSE, TOKENS, 2)
    alone = step(Layout(tensor=4), made=replace(ZERO1, sequence_sharded=False))["memory_bound"]
    expected = work.ends_bytes + (work.moved_bytes - work.ends_bytes) / 4
    assert alone == pytest.approx(3 * DENSE.layers * TOKENS * expected / BANDWIDTH)


def test_all_wait_for_the_slowest_node() -> None:
    """A step on n nodes is sqrt(2 ln n) deviations longer, and on one node not at all."""
    late = changed(IDEAL, straggling=0.02, step_s=0.25)
    took = step(Layout(data=32), factors=late)
    others = took["total"] - took["stragglers"]
    assert took["overhead"] == 0.25
    assert took["stragglers"] == pytest.approx(0.02 * np.sqrt(2 * np.log(4)) * others)
    assert step(Layout(data=8), factors=late)["stragglers"] == 0


def test_the_head_is_in_16_bits_and_pays_for_its_logits() -> None:
    """The head does three products (two if frozen) at the 16-bit rate, and its logits move 20 bytes each."""
    chip = replace(NODE.accelerator, flop_per_s={"bf16": PEAK, "fp8": 2 * PEAK})
    fast = replace(NODE, accelerator=chip)
    logits = TOKENS * DENSE.vocab * 20 / BANDWIDTH
    product = TOKENS * head_flop(DENSE) / PEAK
    fp8 = recipe("fp8", "adamw", "zero1")
    frozen = recipe("bf16", "lora", "adamw", "replicated", of="huggingface", adapter=LORA)
    assert step(Layout(), made=fp8, on=fast)["head_and_loss"] == pytest.approx(3 * product + logits)
    assert step(Layout(), made=frozen)["head_and_loss"] == pytest.approx(2 * product + logits)
    assert step(Layout(), made=fp8, on=fast)["attention"] == step(Layout())["attention"]
    assert step(Layout(), made=fp8, on=fast)["matmul"] == pytest.approx(step(Layout())["matmul"] / 2)


@pytest.mark.parametrize("stages", [1, 2, 4])
@pytest.mark.parametrize("virtual", [1, 2])
@pytest.mark.parametrize("micro_batches", [4, 8])
def test_the_bubble_is_p_minus_1_over_v_m(stages: int, virtual: int, micro_batches: int) -> None:
    """1F1B idles (p - 1) / m of a mean stage's busy time, interleaved a v-th of that (Narayanan et al. 2021)."""
    took = step(Layout(pipeline=stages, virtual=virtual, micro_batches=micro_batches, tensor=2))
    whole = step(Layout(micro_batches=micro_batches, tensor=2))
    apart = ("pipeline_bubble", "pipeline_transfer", "data_parallel", "optimizer", "total")
    busy = sum(value for name, value in whole.items() if name not in apart) / stages
    assert took["pipeline_bubble"] == pytest.approx((stages - 1) / (virtual * micro_batches) * busy)


def test_zero_bubble_leaves_a_third_of_it() -> None:
    """ZB-H1 fills two thirds of 1F1B's bubble with products for weights."""
    layout = Layout(pipeline=4, micro_batches=8)
    filled = step(layout, made=replace(ZERO1, schedule=Schedule.ZERO_BUBBLE))
    assert filled["pipeline_bubble"] == pytest.approx(step(layout)["pipeline_bubble"] / 3)


@pytest.mark.parametrize(
    ("made", "layout", "touched"),
    [
        # Master copy and two moments read and written, the gradient read, the weight written.
        (recipe("bf16", "adamw", "replicated"), Layout(data=8), 2 * 12 + 4 + 2),
        (ZERO1, Layout(data=8), (2 * 12 + 4 + 2) / 8),
        (recipe("bf16", "adamw", "replicated", of="deepspeed"), Layout(), 28),
        (ZERO1, Layout(data=4, tensor=2), (2 * 12 + 4 + 2) / 8),
    ],
)
def test_the_optimizer_moves_its_states(made: Recipe, layout: Layout, touched: float) -> None:
    """The optimizer step moves 28 to 30 bytes per parameter of the device's share."""
    assert step(layout, made=made)["optimizer"] == pytest.approx(touched * DENSE.parameters / BANDWIDTH)


def test_optimizer_steps_of_experts_do_not_shrink_with_their_spread() -> None:
    """However experts are spread over the data ranks, a device updates the same share of them all."""
    took = [step(Layout(data=8, expert=expert), shape=MIXED)["optimizer"] for expert in (1, 2, 8)]
    assert took == pytest.approx([took[0]] * 3)


@pytest.mark.parametrize(
    ("changes", "layout", "known"),
    [
        ({"flop_per_s": None}, Layout(), False),
        ({"memory_bytes_per_s": None}, Layout(), False),
        ({"link_bytes_per_s": None}, Layout(), True),
        ({"link_bytes_per_s": None}, Layout(tensor=2), False),
        ({"link_bytes_per_s": None}, Layout(context=2), False),
        ({"link_bytes_per_s": None}, Layout(data=2), False),
        ({"link_bytes_per_s": None}, Layout(pipeline=2, micro_batches=2), False),
        # Whole nodes: data ranks with a neighbour on their node need the link, lone ones do not.
        ({"link_bytes_per_s": None}, Layout(data=16), False),
        ({"network_bytes_per_s": None}, Layout(tensor=8), True),
        ({"network_bytes_per_s": None}, Layout(tensor=8, data=2), False),
        ({"network_bytes_per_s": None}, Layout(tensor=8, pipeline=2, micro_batches=2), False),
        ({"accelerators": 1, "link_bytes_per_s": None}, Layout(data=2), True),
        ({"accelerators": 1, "network_bytes_per_s": None}, Layout(), True),
    ],
)
@pytest.mark.parametrize("made", [ZERO1, FSDP], ids=["zero1", "fsdp"])
def test_a_step_is_unknown_where_a_rate_it_needs_is(
    changes: dict[str, Any], layout: Layout, known: bool, made: Recipe
) -> None:
    """NaN stands for a step that needs a rate which no source states, and for no other."""
    assert bool(np.isfinite(step(layout, made=made, on=machine(**changes))["total"])) is known


def test_a_type_without_a_measured_share_is_unknown() -> None:
    """A peak without a factor for its type gives no time either."""
    assert np.isnan(step(Layout(), factors=changed(IDEAL, matmul={"fp16": 0.5}))["total"])


LAYOUTS = st.builds(
    Layout,
    tensor=st.sampled_from([1, 2, 4, 8]),
    pipeline=st.sampled_from([1, 2, 4]),
    virtual=st.sampled_from([1, 2]),
    context=st.sampled_from([1, 2]),
    expert=st.sampled_from([1, 2, 4]),
    data=st.sampled_from([4, 8, 16]),
    micro_batch=st.integers(1, 4),
    micro_batches=st.sampled_from([4, 8]),
)
RECIPES = st.sampled_from(
    [
        ZERO1,
        FSDP,
        recipe("bf16", "adamw", "zero2", "recompute-full", of="deepspeed"),
        recipe("bf16", "lora", "nf4", "adamw", "zero3", of="huggingface", adapter=LORA),
    ]
)


@examples
@given(st.sampled_from(SHAPES), RECIPES, st.lists(LAYOUTS, min_size=1, max_size=4))
def test_arrays_agree_with_single_layouts(shape: ModelShape, made: Recipe, layouts: list[Layout]) -> None:
    """An array of layouts takes what each layout takes, and every total is the sum of its terms."""
    together: Any = step_time(shape, made, grid(layouts), TOKENS, NODE, LOSSY)
    for index, layout in enumerate(layouts):
        alone = step(layout, shape=shape, made=made, factors=LOSSY)
        total = alone.pop("total")
        assert terms(together, index) == pytest.approx(alone)
        assert total == pytest.approx(sum(alone.values())) == pytest.approx(float(together.total[index]))
        assert min(alone.values()) >= 0


@examples
@given(
    st.sampled_from(SHAPES),
    RECIPES,
    LAYOUTS,
    st.sampled_from(["flop_per_s", "memory_bytes_per_s", "link_bytes_per_s", "network_bytes_per_s"]),
    st.floats(0.01, 1.0),
)
def test_faster_machines_are_never_slower(
    shape: ModelShape, made: Recipe, layout: Layout, rate: str, share: float
) -> None:
    """No step gets longer when a peak or a bandwidth rises, although less compute hides less traffic."""
    peaks: dict[str, Any] = {
        "flop_per_s": 1e13,
        "memory_bytes_per_s": 1e11,
        "link_bytes_per_s": 1e9,
        "network_bytes_per_s": 1e9,
    }
    fast = step(layout, shape=shape, made=made, on=machine(**peaks), factors=LOSSY)
    slow = step(layout, shape=shape, made=made, on=machine(**{**peaks, rate: share * peaks[rate]}), factors=LOSSY)
    assert fast["total"] <= slow["total"] * (1 + 1e-9)


@examples
@given(st.sampled_from(SHAPES), LAYOUTS)
def test_twice_the_micro_batches_double_their_part(shape: ModelShape, layout: Layout) -> None:
    """Twice the micro-batches double what each of them does; bubble, gradients and optimizer stay."""
    once = step(layout, shape=shape, factors=LOSSY)
    twice = step(replace(layout, micro_batches=2 * layout.micro_batches), shape=shape, factors=LOSSY)
    stay = ("pipeline_bubble", "data_parallel", "optimizer", "overhead")
    for name in once.keys() - {"total", "stragglers"}:
        assert twice[name] == pytest.approx(once[name] * (1 if name in stay else 2)), name


@examples
@given(st.sampled_from(SHAPES), LAYOUTS)
def test_larger_micro_batches_are_never_less_efficient(shape: ModelShape, layout: Layout) -> None:
    """The same batch in half as many, twice as large micro-batches spends no more on products and launches."""
    few = step(replace(layout, micro_batch=2 * layout.micro_batch, micro_batches=4), shape=shape, factors=LOSSY)
    many = step(replace(layout, micro_batches=8), shape=shape, factors=LOSSY)
    for name in ("matmul", "launches", "head_and_loss", "tensor_parallel"):
        assert few[name] <= many[name] * (1 + 1e-9)


def test_the_slowest_stage_counts() -> None:
    """Where layers do not divide, the step waits for the stage that has one more, or for the last with its head."""
    small, large = (replace(DENSE, vocab=vocab) for vocab in (64, 100_000))
    layout = Layout(pipeline=3, micro_batches=6)
    block = step(Layout(micro_batches=6))["matmul"] / 8
    assert step(layout, shape=small)["matmul"] == pytest.approx(3 * block)
    assert step(layout, shape=small)["head_and_loss"] == 0
    assert step(layout, shape=large)["matmul"] == pytest.approx(2 * block)
    assert step(layout, shape=large)["head_and_loss"] == step(Layout(micro_batches=6), shape=large)["head_and_loss"]


def test_unequal_blocks_cost_what_they_are() -> None:
    """A dense block among experts is neither lost nor counted twice."""
    work = block_work(LATENT_MIXED, TOKENS, 2)
    expected = 3 * 8 * TOKENS * (work.dense_flop + work.expert_flop) / PEAK
    assert step(Layout(), shape=LATENT_MIXED, on=INSTANT)["matmul"] == pytest.approx(expected)


@pytest.mark.parametrize(("shape", "experts"), [(DENSE, 1), (MIXED, 4)], ids=["dense", "mixed"])
def test_gradients_are_added_by_a_kernel_of_their_own(shape: ModelShape, experts: int) -> None:
    """Where products do not add to the sum, each micro-batch reads its gradients and the sum, and writes that."""
    layout = Layout(tensor=2, expert=experts, data=4, micro_batches=3)
    fused, apart = (
        step(layout, shape=shape, made=ZERO1, factors=changed(IDEAL, gradient_passes=passes)) for passes in (0.0, 1.0)
    )
    routed = shape.expert_parameters
    held = (shape.block_parameters - routed + routed / experts) / 2
    moved = 2 + 2 * ZERO1.gradient_bytes
    assert apart["memory_bound"] - fused["memory_bound"] == pytest.approx(3 * held * moved / BANDWIDTH)
    head = shape.vocab * shape.hidden / 2
    assert apart["head_and_loss"] - fused["head_and_loss"] == pytest.approx(3 * head * moved / BANDWIDTH)


def test_adapters_add_no_gradients_of_the_base() -> None:
    """A frozen base has no gradients to add."""
    made = recipe("bf16", "lora", "adamw", "replicated", of="huggingface", adapter=LORA)
    fused, apart = (step(Layout(), made=made, factors=changed(IDEAL, gradient_passes=each)) for each in (0.0, 1.0))
    assert apart == fused


def test_tokens_are_read_while_the_last_batch_is_at_work() -> None:
    """A step is never shorter than its tokens take to read at 125 MiB/s a node; usually they are there long before."""
    assert step(Layout(data=8), made=ZERO1)["data_loading"] == 0
    starved = step(Layout(data=8, micro_batches=1000), on=EVERYTHING_AT_ONCE)
    assert starved["total"] == pytest.approx(8 * 1000 * TOKENS * 4 / (125 * 2**20))


def test_every_cause_has_a_term() -> None:
    """No term is idle: each of them shows in one step or another."""
    made = recipe("bf16", "adamw", "zero1", "recompute-full")
    piped = Layout(tensor=2, pipeline=2, context=2, expert=2, data=2, micro_batches=2)
    slow = machine(link_bytes_per_s=1e6, network_bytes_per_s=1e6)
    late = changed(LOSSY, launch_s_per_block=1000.0)
    steps = [
        step(piped, shape=MIXED, made=made, on=slow, factors=late),
        step(Layout(data=8), made=FSDP, on=slow),
        step(Layout(), made=replace(ZERO1, optimizer_place=Place.HOST)),
        step(Layout(data=8, micro_batches=1000), on=EVERYTHING_AT_ONCE),
        step(Layout(), factors=replace(IDEAL, most_utilization=0.1)),
        step(Layout(), made=recipe("bf16", "dora", "adamw", "replicated", of="huggingface", adapter=LORA)),
    ]
    shown = {name for took in steps for name, value in took.items() if value}
    assert shown == set(StepTime.__struct_fields__) | {"total"}
