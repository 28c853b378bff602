"""Are layouts on several machines timed as each would be alone?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration import TimeFactors
from planner.layout import Layout
from planner.machines import Machines, factors_on, of_machine
from planner.recipe import Recipe
from planner.training_time import step_time
from planner.wall_clock import wall_clock
from pricing.instance_type import InstanceType
from pricing.records import replace
from tests.planner.builders import LOSSY, MIXED, grid, machine, recipe

TOKENS = 4096
MACHINES = (
    machine(name="fast"),
    replace(machine(network_bytes_per_s=3e9), efa_cards=(), gpudirect_rdma=None),
    replace(machine(accelerators=2), link=None),
    replace(machine(accelerators=4, ranks=2), vcpus=0, nvme_bytes=10**12),
)
FACTORS = (LOSSY, replace(LOSSY, matmul={"fp16": 0.4}), replace(LOSSY, network=0.3, straggling=0.02), LOSSY)
LAYOUTS = [
    Layout(tensor=tensor, pipeline=pipeline, data=data, micro_batches=4)
    for tensor, pipeline, data in ((1, 1, 1), (2, 1, 8), (2, 2, 4), (1, 4, 8))
]
RECIPES = {
    "zero1": recipe("bf16", "adamw", "zero1", "recompute-full"),
    "offloaded": recipe("bf16", "adamw", "zero3", "optimizer-offload-nvme", "weights-offload-nvme", of="deepspeed"),
    "paged": recipe("bf16", "adamw-paged", "recompute-none", of="huggingface"),
}


def alone(made: Recipe, on: InstanceType, factors: TimeFactors, layout: Layout) -> float:
    """Seconds of a run of a layout on a machine."""
    step = step_time(MIXED, made, layout, TOKENS, on, factors).total
    return float(wall_clock(MIXED, made, layout.devices, on, 100, step).run_s)


@pytest.mark.parametrize("name", RECIPES)
def test_layouts_on_several_machines_are_timed_as_alone(name: str) -> None:
    """Whatever machine a layout stands beside, it takes the seconds that it takes alone; unknown ones stay so."""
    made, of = RECIPES[name], np.array([0, 1, 2, 3, 3, 2, 1, 0])
    layouts = [LAYOUTS[row % len(LAYOUTS)] for row in range(len(of))]
    machines, every = Machines(each=MACHINES, of=of), grid(layouts)
    step = step_time(MIXED, made, every, TOKENS, machines, factors_on(machines, FACTORS)).total
    together = wall_clock(MIXED, made, every.devices, machines, 100, step).run_s
    expected = [alone(made, MACHINES[on], FACTORS[on], layout) for on, layout in zip(of, layouts, strict=True)]
    assert together == pytest.approx(expected, nan_ok=True)
    assert 0 < np.isfinite(together).sum() < len(of)


def test_a_figure_is_one_or_one_per_layout() -> None:
    """Of one machine it is a number, of several the number of each layout's own."""
    assert of_machine(lambda one: one.devices, MACHINES[2]) == 2
    machines = Machines(each=MACHINES, of=np.array([2, 0, 2]))
    assert of_machine(lambda one: one.devices, machines).tolist() == [2, MACHINES[0].devices, 2]


def test_a_type_without_a_share_has_none_on_that_machine_alone() -> None:
    """A type of products that one machine has no figure of is unknown there, and known elsewhere."""
    machines = Machines(each=MACHINES[:2], of=np.array([0, 1]))
    found = factors_on(machines, FACTORS[:2])
    assert np.isnan(found.matmul["bf16"]).tolist() == [False, True]
    assert np.asarray(found.matmul["fp16"])[1] == 0.4
    assert np.asarray(found.memory).tolist() == [LOSSY.memory] * 2
