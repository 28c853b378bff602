"""Does a step wait for the host and the disks as long as their wires take, and no longer?"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.offload_time import DISK_BYTES_PER_S_PER_BYTE, HOST_BYTES_PER_S, PARAMETERS_PER_VCPU_S
from planner.recipe import Place, Recipe, Recompute
from planner.work import block_work
from pricing.instance_type import InstanceType
from pricing.records import replace
from pricing.units import TERA
from tests.planner.builders import DENSE, NODE, TOKENS, ZERO1, recipe, step

# Next to no compute, so that nothing hides.
QUICK = replace(NODE, accelerator=replace(NODE.accelerator, flop_per_s={"bf16": 1e30}, memory_bytes_per_s=1e30))
PLAIN = recipe("bf16", "adamw", "replicated", of="deepspeed")


def waits(made: Recipe, layout: Layout | None = None, on: InstanceType = QUICK) -> float:
    """Seconds of a step that are offload."""
    return step(layout or Layout(), made=made, on=on)["offload"]


def test_what_stays_on_the_device_waits_for_nothing() -> None:
    """Without offloading there is no such time."""
    assert waits(PLAIN) == 0


def test_weights_stream_in_for_each_pass() -> None:
    """Every micro-batch needs a device's shard of the blocks forward and backward."""
    made = replace(recipe("bf16", "adamw", "zero3", of="deepspeed"), weights_place=Place.HOST)
    size = DENSE.block_parameters * made.block_weight_bytes / 8
    assert waits(made, Layout(data=8, micro_batches=3)) == pytest.approx(3 * 2 * size / HOST_BYTES_PER_S, rel=0.01)


def test_compute_hides_the_stream() -> None:
    """Weights that arrive while the device works cost nothing."""
    made = replace(PLAIN, weights_place=Place.HOST)
    slow = replace(NODE, accelerator=replace(NODE.accelerator, flop_per_s={"bf16": 1e9}))
    assert waits(made) > 0
    assert waits(made, on=slow) == 0


def test_activations_go_and_come_back() -> None:
    """Each block's input goes to the host and back under full recompute, far more where all is kept."""
    kept = replace(PLAIN, activations_place=Place.HOST)
    inputs = DENSE.layers * TOKENS * DENSE.hidden * 2
    again = replace(kept, recompute=Recompute.FULL)
    assert waits(again) == pytest.approx(2 * inputs / HOST_BYTES_PER_S, rel=0.01)
    written = DENSE.layers * TOKENS * block_work(DENSE, TOKENS, 2).moved_bytes / 2
    assert waits(kept) == pytest.approx(2 * written / HOST_BYTES_PER_S, rel=0.01)
    assert waits(replace(kept, recompute=Recompute.SELECTIVE)) == pytest.approx(waits(kept) / 2, rel=0.01)


def test_activations_on_disk_go_at_its_pace() -> None:
    """Inputs of blocks are written and read at what the node's disks move, where that is less than the wire."""
    made = replace(PLAIN, activations_place=Place.DISK, recompute=Recompute.FULL)
    on = replace(QUICK, nvme_bytes=8 * TERA)
    size = DENSE.layers * TOKENS * DENSE.hidden * 2
    assert waits(made, on=on) == pytest.approx(2 * size / (8 * TERA * DISK_BYTES_PER_S_PER_BYTE / 8), rel=0.01)


def test_paged_moments_come_and_go_each_step() -> None:
    """Both moments cross to the device and back, and the device steps as if they had always been there."""
    paged = replace(PLAIN, optimizer_place=Place.HOST, pages_optimizer=True)
    assert waits(paged) == pytest.approx(2 * DENSE.parameters * 8 / HOST_BYTES_PER_S, rel=0.01)
    assert step(Layout(), made=paged)["optimizer"] == step(Layout(), made=PLAIN)["optimizer"] > 0


def test_an_optimizer_on_the_host_steps_on_its_processors() -> None:
    """Gradients go down, the node's processors step all devices' parameters, the weights come back."""
    made = replace(PLAIN, optimizer_place=Place.HOST)
    on = replace(QUICK, vcpus=192)
    stepped = DENSE.parameters * 8 / (192 * PARAMETERS_PER_VCPU_S)
    moved = DENSE.parameters * (2 + 2) / HOST_BYTES_PER_S
    assert waits(made, on=on) == pytest.approx(stepped + moved, rel=0.01)
    assert step(Layout(), made=made, on=on)["optimizer"] == 0
    sharded = replace(ZERO1, optimizer_place=Place.HOST)
    assert waits(sharded, Layout(data=8), on) < waits(made, on=on)


def test_states_on_disk_are_read_and_written() -> None:
    """A step reads and writes master copy and moments at what the node's disks move, shared by its devices."""
    host, disk = (replace(PLAIN, optimizer_place=place) for place in (Place.HOST, Place.DISK))
    on = replace(QUICK, nvme_bytes=8 * TERA)
    rate = 8 * TERA * DISK_BYTES_PER_S_PER_BYTE / 8
    assert waits(disk, on=on) - waits(host, on=on) == pytest.approx(2 * 12 * DENSE.parameters / rate)


def test_newer_hosts_are_faster() -> None:
    """PCIe 5.0 halves what 4.0 takes, NVLink-C2C takes a small part of it."""
    made = replace(PLAIN, weights_place=Place.HOST)
    ampere, hopper, grace = (
        waits(made, on=replace(QUICK, accelerator=replace(QUICK.accelerator, name=name)))
        for name in ("A100-80GB", "H100-80GB", "GB200")
    )
    assert hopper == pytest.approx(ampere / 2, rel=0.02)
    assert grace < hopper / 5
