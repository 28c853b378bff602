"""Does an option on a machine tell the work, the memory and the clock of a batch job's replica as the formulas do?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.batch_setting import OF_DISK, OF_HOST, BatchSetting
from planner.calibration import load_calibration
from planner.layout import Layout
from planner.readiness import BOOT_S
from planner.recipe import Place, Recipe
from planner.recipes import Option
from planner.serving import Load
from planner.usage import weights_bytes
from pricing.catalog import load_instance_types
from tests.planner.builders import DENSE, framework

LOAD = Load(input_tokens=256, output_tokens=32, context_tokens=288)
EMBEDS = Load(input_tokens=256, output_tokens=0, context_tokens=256)


def setting(engine: str = "vllm", load: Load = LOAD, on: str = "g4dn.8xlarge", **places: Any) -> BatchSetting:
    """A small model in an engine on a machine."""
    recipe = Recipe(compute_dtype="fp16", **places)
    option = Option(framework=framework(engine), recipe=recipe, extra=0)
    machine = load_instance_types()[on]
    return BatchSetting(shape=DENSE, option=option, machine=machine, load=load, calibration=load_calibration())


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        (setting(), {"decode", "prompts in between", "emptying at the end"}),
        (setting(load=EMBEDS), {"prompts"}),
    ],
)
def test_the_kind_of_work_decides_the_run(asked: BatchSetting, terms: set[str]) -> None:
    """Answers are decoded with prompts in between, embeddings are prompts alone; parts add up to a step."""
    run = asked.run(Layout(micro_batch=8), 1000.0)
    assert set(run.terms) == terms
    assert sum(run.terms.values()) == pytest.approx(run.step_s)
    assert run.work_s == pytest.approx(run.steps * run.step_s)


def test_a_streaming_engine_works_in_blocks() -> None:
    """Ten blocks of four batches of eight have 32 requests in flight, and take ten times as long as one."""
    asked, layout = setting("flexgen", weights_place=Place.HOST), Layout(micro_batch=8, micro_batches=4)
    one, ten = (asked.run(layout, 32.0 * blocks) for blocks in (1, 10))
    assert (one.in_flight, ten.steps) == (32, 10)
    assert ten.work_s == pytest.approx(10 * one.work_s)


def test_a_node_starts_when_it_has_booted_and_read() -> None:
    """The weights come from S3 at the network's rate; onto disks that write slower, at theirs."""
    here, on_disk = setting("flexgen"), setting("flexgen", weights_place=Place.DISK)
    size = weights_bytes(DENSE, here.option.recipe)
    assert BOOT_S < here.start_s <= on_disk.start_s
    clock = here.clock(Layout(micro_batch=8), here.run(Layout(micro_batch=8), 1000.0), 1000.0)
    assert clock.start_up_s == here.start_s
    network = here.machine.network_bytes_per_s
    assert network and size / (here.start_s - BOOT_S) <= network


def test_a_node_is_asked_for_every_replica() -> None:
    """Each of a node's devices keeps its own weights on the host, or on disk: demands name the place."""
    layout = Layout(micro_batch=4)
    for place, at in ((Place.HOST, 0), (Place.DISK, 1)):
        asked = setting("flexgen", weights_place=place, on="g4dn.12xlarge")
        plain = setting("flexgen", on="g4dn.12xlarge")
        demands = asked.demands(asked.memory(layout))
        assert [each.of for each in demands] == [OF_HOST, OF_DISK]
        # FlexGen keeps near what it has room for, which is all of so small a model.
        assert demands[at].need == pytest.approx(float(plain.demands(plain.memory(layout))[at].need), rel=0.05)
        assert asked.memory(layout).kept_here == 1.0
