"""Does a step move the bytes that its parallelism needs, over the wires that they take, and hide what it can?

Factors are ideal unless a test says otherwise, so that every term can be worked out by hand.
"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.recipe import Recipe
from planner.resident import Stage, resident
from pricing.records import replace
from tests.planner.builders import (
    DENSE,
    FSDP,
    IDEAL,
    LINK,
    LORA,
    MIXED,
    NETWORK,
    TOKENS,
    ZERO1,
    adapter_parameters,
    changed,
    machine,
    recipe,
    step,
)


@pytest.mark.parametrize(("made", "all_reduces"), [(ZERO1, 4), (recipe("bf16", "zero1", "recompute-full"), 6)])
@pytest.mark.parametrize("tensor", [1, 2, 8])
def test_tensor_ranks_reduce_four_times_a_block(made: Recipe, all_reduces: int, tensor: int) -> None:
    """A block all-reduces 2 s b h bytes twice forward and twice backward, twice more under full recompute."""
    message = 2 * TOKENS * 3 * DENSE.hidden
    once = 2 * (tensor - 1) / tensor * message / LINK
    took = step(Layout(tensor=tensor, micro_batch=3, micro_batches=2), made=made)
    assert took["tensor_parallel"] == pytest.approx(2 * DENSE.layers * all_reduces * once)


def test_context_ranks_pass_keys_and_values_round() -> None:
    """A ring hands on 2 s k d elements of keys and values in each pass, hidden where attention takes longer."""
    layout = Layout(context=4)
    slow = machine(link_bytes_per_s=1e6)
    ring = 3 / 4 * TOKENS * 2 * 2 * 64 * 2 / 1e6
    attention = step(layout, on=slow)["attention"] / 3.5 / DENSE.layers
    took = step(layout, on=slow)["context_parallel"]
    assert took == pytest.approx(2 * DENSE.layers * (ring - attention))
    assert step(layout, on=machine(link_bytes_per_s=1e30))["context_parallel"] == 0


@pytest.mark.parametrize("expert", [1, 2, 8])
@pytest.mark.parametrize("tensor", [1, 2])
def test_experts_trade_tokens_four_times_a_block(expert: int, tensor: int) -> None:
    """A block sends each token's copies to their experts and back, forward and backward."""
    message = TOKENS / tensor * 2 * DENSE.hidden * 2
    # Eight ranks two devices apart stand on two nodes: half of the copies leave, over a device's own share.
    apart = expert * tensor > 8
    once = message / 2 / (NETWORK / 8) if apart else (expert - 1) / expert * message / LINK
    took = step(Layout(tensor=tensor, data=8, expert=expert), shape=MIXED)
    assert took["expert_parallel"] == pytest.approx(DENSE.layers * 4 * once)


def test_dense_models_trade_no_tokens() -> None:
    """Without experts there is nothing to send."""
    assert step(Layout(data=8))["expert_parallel"] == 0


@pytest.mark.parametrize(
    ("layout", "bytes_per_s"),
    [
        (Layout(pipeline=4, tensor=2, micro_batches=4), LINK),
        # Two nodes, over which every device has its own share.
        (Layout(pipeline=2, tensor=8, micro_batches=4), NETWORK / 8),
        # Four stages a node: the two hops between nodes are the slow ones, over which two devices send.
        (Layout(pipeline=8, tensor=2, micro_batches=8), NETWORK / 2),
        (Layout(pipeline=2, tensor=2, data=8, micro_batches=4, micro_batch=3), NETWORK / 8),
    ],
)
@pytest.mark.parametrize("virtual", [1, 2])
def test_stages_hand_on_their_rows(layout: Layout, bytes_per_s: float, virtual: int) -> None:
    """Each micro-batch crosses the boundary of each chunk once each way, its rows split over the tensor ranks."""
    layout = replace(layout, virtual=virtual)
    one = 2 * TOKENS * layout.micro_batch * DENSE.hidden / layout.tensor / bytes_per_s
    assert step(layout)["pipeline_transfer"] == pytest.approx(2 * virtual * layout.micro_batches * one)


@pytest.mark.parametrize(
    ("made", "rounds", "gradient", "back"),
    [
        # An all-reduce scatters and gathers the gradients; sharded states get back the 16-bit weights instead.
        (recipe("bf16", "adamw", "replicated"), 1, 4, 4),
        (ZERO1, 1, 4, 2),
        (recipe("bf16", "adamw", "replicated", of="deepspeed"), 1, 2, 2),
        (recipe("bf16", "adamw", "zero1", of="deepspeed"), 1, 2, 2),
        # Sharded gradients have no whole copy to add to, so each micro-batch scatters its own.
        (recipe("bf16", "adamw", "zero2", of="deepspeed"), 5, 2, 2),
    ],
)
def test_gradients_are_reduced_over_data_ranks(made: Recipe, rounds: int, gradient: int, back: int) -> None:
    """Data ranks scatter gradients and gather what comes back, once a step or once a micro-batch."""
    took = step(Layout(data=8, micro_batches=5), made=made)
    traffic = 7 / 8 * DENSE.parameters * (rounds * gradient + back)
    assert took["data_parallel"] == pytest.approx(traffic / LINK)


def test_experts_are_reduced_over_their_own_ranks() -> None:
    """Experts' gradients go round the ranks that hold the same experts: one device on each node here."""
    others = MIXED.parameters - MIXED.expert_parameters
    took = step(Layout(data=16, expert=8), shape=MIXED)
    dense = 15 / 16 * others * 6 / NETWORK
    experts = 1 / 2 * MIXED.expert_parameters / 8 * 6 / (NETWORK / 8)
    assert took["data_parallel"] == pytest.approx(dense + experts)


def test_reduction_hides_behind_the_last_backward_pass() -> None:
    """Of the traffic a share hides, but never more than two thirds of a micro-batch's time."""
    slow = machine(link_bytes_per_s=1e9)
    layout = Layout(data=8, micro_batches=4)
    shown, overlapped = (step(layout, on=slow, factors=changed(IDEAL, data_overlap=share)) for share in (0.0, 1.0))
    apart = ("data_parallel", "optimizer", "total")
    busy = sum(value for name, value in shown.items() if name not in apart)
    assert shown["data_parallel"] - overlapped["data_parallel"] == pytest.approx(2 / 3 * busy / 4)
    assert step(layout, factors=changed(IDEAL, data_overlap=1.0), sequence_tokens=10**6)["data_parallel"] == 0


def test_adapters_alone_are_reduced() -> None:
    """Under LoRA data ranks exchange the adapters' gradients and nothing of the base."""
    made = recipe("bf16", "lora", "adamw", "replicated", of="huggingface", adapter=LORA)
    expected = 7 / 8 * adapter_parameters(DENSE, LORA) * 2 * 2 / LINK
    assert step(Layout(data=8), made=made)["data_parallel"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("layout", "gathers", "scatters"),
    [
        # Every micro-batch gathers for both passes and scatters its gradients.
        (Layout(data=8, micro_batches=3), 6, 3),
        # A pipeline's stage stays gathered through the step.
        (Layout(pipeline=2, data=4, micro_batches=3), 1, 1),
    ],
)
def test_sharded_weights_are_gathered_behind_the_compute(layout: Layout, gathers: int, scatters: int) -> None:
    """FSDP moves 2 bytes a parameter to gather and 4 to scatter; what compute does not cover shows."""
    slow = machine(link_bytes_per_s=1e6)
    held = float(resident(DENSE, layout, Stage.FIRST, None).model)
    took = step(layout, made=FSDP, on=slow)
    ranks = layout.data
    traffic = (ranks - 1) / ranks * held * (2 * gathers + 4 * scatters) / 1e6
    names = ("matmul", "attention", "memory_bound", "head_and_loss")
    assert took["weight_gather"] == pytest.approx(traffic - sum(took[name] for name in names))
    assert took["data_parallel"] == 0
    # The stages that wait for a gather wait in the bubble too, in which next to nothing else is done.
    assert took["pipeline_bubble"] == pytest.approx((layout.pipeline - 1) / layout.micro_batches * traffic, rel=1e-4)
    assert step(layout, made=FSDP, on=machine(link_bytes_per_s=1e30))["weight_gather"] == 0


def test_only_a_share_of_a_gather_hides() -> None:
    """However much compute there is, the share of the traffic that the software cannot hide shows."""
    layout = Layout(data=8)
    held = float(resident(DENSE, layout, Stage.FIRST, None).model)
    took = step(layout, made=FSDP, factors=changed(IDEAL, gather_overlap=0.75), sequence_tokens=10**6)
    assert took["weight_gather"] == pytest.approx(0.25 * 7 / 8 * held * (2 * 2 + 4) / LINK)


def test_gradients_travel_in_the_type_that_they_are_reduced_in() -> None:
    """Gradients reduced in 16 bits move half of what float32 ones do; what is kept stays as wide."""
    made = recipe("bf16", "adamw", "replicated")
    narrow = replace(made, reduce_bytes=2.0)
    took = [step(Layout(data=8), made=each)["data_parallel"] for each in (made, narrow)]
    assert took[0] == pytest.approx(2 * took[1])
    assert step(Layout(data=8), made=narrow)["optimizer"] == step(Layout(data=8), made=made)["optimizer"]


def test_every_block_gathers_on_its_own() -> None:
    """FSDP waits for each block's gathers and scatter, and sharded gradients for each block's scatter and gather."""
    late = changed(IDEAL, link_latency_s=1.0, gather_overlap=0.0)
    gathered = step(Layout(data=8, micro_batches=2), made=FSDP, factors=late)["weight_gather"]
    assert gathered == pytest.approx(2 * 3 * DENSE.layers * 7, rel=1e-3)
    sharded = step(Layout(data=8, micro_batches=2), made=recipe("bf16", "adamw", "zero2", of="deepspeed"), factors=late)
    assert sharded["data_parallel"] == pytest.approx((2 + 1) * DENSE.layers * 7, rel=1e-3)
    whole = step(Layout(data=8, micro_batches=2), factors=late)
    assert whole["data_parallel"] == pytest.approx(2 * 7, rel=1e-3)


def test_no_more_traffic_hides_than_there_is_compute() -> None:
    """Over slow wires a perfect overlap saves the seconds of compute, and no more of tensor and pipeline traffic."""
    perfect = changed(IDEAL, tensor_overlap=1.0, pipeline_overlap=1.0)
    slow = machine(accelerators=1, network_bytes_per_s=1e6)
    piped = Layout(pipeline=2, micro_batches=4)
    shown, hidden = (step(piped, on=slow, factors=each) for each in (IDEAL, perfect))
    busy = sum(shown[name] for name in ("matmul", "attention", "memory_bound", "head_and_loss"))
    assert shown["pipeline_transfer"] - hidden["pipeline_transfer"] == pytest.approx(busy)
    split, link = Layout(tensor=2), machine(link_bytes_per_s=1e6)
    shown, hidden = (step(split, on=link, factors=each) for each in (IDEAL, perfect))
    assert shown["tensor_parallel"] - hidden["tensor_parallel"] == pytest.approx(2 / 3 * shown["matmul"])


def test_software_hides_its_share_of_tensor_and_pipeline_traffic() -> None:
    """Products cut into pieces, and transfers started early, hide as much of their traffic as the factors say."""
    layout = Layout(tensor=2, pipeline=2, micro_batches=4)
    plain = step(layout)
    hidden = step(layout, factors=changed(IDEAL, tensor_overlap=0.25, pipeline_overlap=0.75))
    assert hidden["tensor_parallel"] == pytest.approx(0.75 * plain["tensor_parallel"])
    assert hidden["pipeline_transfer"] == pytest.approx(0.25 * plain["pipeline_transfer"])
