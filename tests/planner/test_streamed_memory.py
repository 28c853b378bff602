"""Do plan and estimate agree on memory by place, and does what there is room for stay near?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.batch_record import HOST_RESERVE_BYTES
from planner.calibration import load_calibration
from planner.estimate import estimate
from planner.framework import load_frameworks
from planner.layout import Layout, LayoutGrid
from planner.models import load_preset
from planner.pinned import read_pinned
from planner.recipe import Recipe
from planner.recipes import Settings, recipe_of
from planner.serving import Load
from planner.streamed_memory import StreamedMemory, device_terms, streamed_memory
from pricing.catalog import load_instance_types

CALIBRATION = load_calibration()
OPT = load_preset("opt-175b")
LOAD = Load(input_tokens=512, output_tokens=32, context_tokens=544)


def flexgen(*techniques: str) -> Recipe:
    """FlexGen's recipe with techniques."""
    return recipe_of(load_frameworks()["flexgen"], ("fp16", *techniques), Settings())


def memory(recipe: Recipe, layout: Layout | LayoutGrid, kind: str, *, splits: bool = False) -> StreamedMemory:
    """What replicas on an instance type take."""
    return streamed_memory(OPT, recipe, LOAD, layout, load_instance_types()[kind], CALIBRATION, splits=splits)


@pytest.mark.parametrize(
    ("weights", "technique"), [("host", "host-weights"), ("disk", "disk-weights")], ids=["host", "disk"]
)
@pytest.mark.parametrize("kv", ["device", "host"])
def test_plan_and_estimate_agree(weights: str, technique: str, kv: str, tmp_path: Path) -> None:
    """One batch of one request takes of device, host and disk what `berth estimate` says of the same configuration."""
    file = tmp_path / "opt.yaml"
    file.write_text(
        f"name: opt\nmodel: opt-175b\naccelerator: T4\ninference:\n  input_tokens: 512\n  output_tokens: 32\n"
        f"  weights: fp16\n  weights_on: {weights}\n  kv_on: {kv}\n",
        encoding="utf-8",
    )
    pinned, shape = read_pinned(file)
    told = estimate(pinned, shape, CALIBRATION)
    recipe = flexgen(technique, *(["host-kv"] if kv == "host" else []))
    terms = device_terms(OPT, recipe, LOAD, Layout(), "NVIDIA", CALIBRATION)
    assert sum(terms.values()) == pytest.approx(told.total_bytes)
    found = memory(recipe, Layout(), "g4dn.16xlarge")
    beside = HOST_RESERVE_BYTES + (kv == "host") * 2 * 512 * OPT.hidden
    beside += (weights == "disk") * 2 * 2 * max(run.parameters(OPT.hidden, OPT.norm_bias) for run in OPT.blocks)
    assert found.host == pytest.approx(told.host_bytes + beside)
    assert found.disk == pytest.approx(told.disk_bytes)


def test_a_block_adds_the_cache_of_those_that_wait() -> None:
    """With the cache on the device every batch of a block has its own there; elsewhere only that at work passes."""
    grid = LayoutGrid.of({"micro_batch": np.array([2, 2]), "micro_batches": np.array([1, 4])})
    here = device_terms(OPT, flexgen("host-weights"), LOAD, grid, "NVIDIA", CALIBRATION)
    away = device_terms(OPT, flexgen("host-weights", "host-kv"), LOAD, grid, "NVIDIA", CALIBRATION)
    assert here["cache"][1] == pytest.approx(4 * here["cache"][0])
    assert np.ptp(np.broadcast_to(away["cache"], 2)) == 0
    assert here["activations"][1] > here["activations"][0]


def test_what_there_is_room_for_stays() -> None:
    """Weights for the disk fill the host's memory and the device's first, and are nowhere twice."""
    recipe = flexgen("disk-weights", "host-kv")
    plain, split = (memory(recipe, Layout(), "g4dn.16xlarge", splits=splits) for splits in (False, True))
    assert (plain.kept_here, plain.kept_on_host) == (0, 0)
    assert 0 < split.kept_here < split.kept_on_host < 1
    assert split.host == pytest.approx(split.host_have)
    assert split.band.high * split.total == pytest.approx(load_instance_types()["g4dn.16xlarge"].device_memory_bytes)
    moved = split.host - plain.host + split.total - plain.total
    assert plain.disk - split.disk == pytest.approx(moved)


def test_every_device_has_a_copy() -> None:
    """Replicas on four devices ask four times for host memory and disk."""
    one, four = (memory(flexgen("disk-weights"), Layout(), kind) for kind in ("g4dn.16xlarge", "g4dn.12xlarge"))
    assert four.host == 4 * one.host
    assert four.disk == 4 * one.disk
