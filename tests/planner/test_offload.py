"""Do host and disks hold what ZeRO-Offload, ZeRO-Infinity and FSDP keep there?"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.offload import DISK_BUFFERS, HOST_BUFFERS, Elsewhere, keeps_elsewhere, training_elsewhere
from planner.recipe import Adapter, Place
from planner.resident import Stage
from planner.shape import ModelShape
from planner.stage_activations import routed_bytes, stage_bytes
from planner.states import largest_block
from pricing.records import replace
from tests.planner.builders import DENSE, MIXED, framework, grid, recipe

EIGHT = Layout(data=8)


def elsewhere(*techniques: str, of: str = "deepspeed", layout: Layout = EIGHT, shape: ModelShape = DENSE) -> Elsewhere:
    """What a device keeps elsewhere under some techniques."""
    made = recipe("bf16", "adamw", *techniques, of=of)
    return training_elsewhere(shape, made, layout, 1024, framework(of))


@pytest.mark.parametrize("layout", [Layout(), EIGHT, Layout(data=4, context=2)])
@pytest.mark.parametrize(
    ("techniques", "of", "bytes_per_parameter"),
    [
        # ZeRO-Offload: master weight, two moments and the gradient that the step works with, in float32.
        (("zero2", "optimizer-offload"), "deepspeed", 16),
        (("zero3", "optimizer-offload"), "deepspeed", 16),
        (("zero1", "optimizer-offload"), "megatron", 16),
        # And the 16-bit weights.
        (("zero3", "optimizer-offload", "weights-offload"), "deepspeed", 18),
        # FSDP's float32 weights are the master copy.
        (("fsdp-offload",), "torchtitan", 16),
        # Pages hold moments alone.
        (("adamw-paged",), "huggingface", 8),
    ],
)
def test_the_host_holds_what_deepspeed_estimates(
    techniques: tuple[str, ...], of: str, bytes_per_parameter: int, layout: Layout
) -> None:
    """So many bytes a parameter over all devices, and half as much again for buffers; nothing on disk."""
    found = elsewhere(*techniques, of=of, layout=layout)
    devices = 1 if "adamw-paged" in techniques else layout.devices
    assert float(found.host) * devices == pytest.approx(HOST_BUFFERS * bytes_per_parameter * DENSE.parameters)
    assert float(found.disk) == 0


def test_disks_hold_the_same_and_the_host_buffers() -> None:
    """ZeRO-Infinity keeps 18 bytes a parameter on disk; the host has float32 buffers of one block."""
    found = elsewhere("zero3", "optimizer-offload-nvme", "weights-offload-nvme")
    assert float(found.disk) * 8 == pytest.approx(18 * DENSE.parameters)
    assert float(found.host) == pytest.approx(DISK_BUFFERS * 4 * largest_block(DENSE, EIGHT))


@pytest.mark.parametrize(("technique", "place"), [("activation-offload", "host"), ("activation-offload-nvme", "disk")])
def test_kept_activations_go_where_they_are_sent(technique: str, place: str) -> None:
    """All that the stage keeps of its micro-batches in flight lies elsewhere."""
    made = recipe("bf16", "adamw", "zero2", "recompute-full", technique, of="deepspeed")
    found = training_elsewhere(DENSE, made, EIGHT, 1024, framework("deepspeed"))
    kept = float(sum(stage_bytes(DENSE, made, EIGHT, 1024, framework("deepspeed"), Stage.FIRST)))
    assert kept == 1024 * DENSE.layers * 2 * DENSE.hidden
    assert float(getattr(found, place)) >= kept


def test_what_experts_are_sent_goes_along() -> None:
    """Copies and answers of a mixture's tokens leave the device with the other activations."""
    made = recipe("bf16", "adamw", "recompute-none", "activation-offload")
    given = (MIXED, made, Layout(), 1024, framework())
    blocks, sent = sum(stage_bytes(*given, Stage.FIRST)), routed_bytes(*given, Stage.FIRST, load=1.0)
    assert sent > 0
    assert float(training_elsewhere(*given).host) == pytest.approx(HOST_BUFFERS * (blocks + sent))


def test_adapters_send_little() -> None:
    """Under LoRA the host holds the frozen weights and the few states of the adapters."""
    made = recipe("bf16", "lora", "adamw", "fsdp-offload", of="huggingface", adapter=Adapter(rank=8))
    found = training_elsewhere(DENSE, made, EIGHT, 1024, framework("huggingface"))
    assert 2 * DENSE.parameters < float(found.host) * 8 / HOST_BUFFERS < 2.6 * DENSE.parameters


def test_one_layout_and_arrays_of_them_agree() -> None:
    """The same sums serve one layout and many."""
    layouts = [Layout(data=8), Layout(data=2, pipeline=2, micro_batches=4)]
    made = recipe("bf16", "adamw", "zero1", "optimizer-offload")
    together = training_elsewhere(DENSE, made, grid(layouts), 1024, framework())
    each = [training_elsewhere(DENSE, made, layout, 1024, framework()) for layout in layouts]
    assert list(together.host) == pytest.approx([float(one.host) for one in each])


def test_most_recipes_keep_nothing_elsewhere() -> None:
    """Without offloading there is nothing to ask a node for."""
    plain = recipe("bf16", "adamw", "zero2", of="deepspeed")
    assert not keeps_elsewhere(plain)
    assert keeps_elsewhere(replace(plain, activations_place=Place.HOST))
    assert float(elsewhere("zero2").host) == float(elsewhere("zero2").disk) == 0
