"""Do machines that share layouts read the needs that a loop over their own would compute?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration import Calibration
from planner.legal import Space, legal_layouts
from planner.memory import peak_bytes, training_memory
from planner.needs import Needs
from planner.offload import training_elsewhere
from planner.recipes import Option
from planner.search import Scope
from pricing.records import replace
from tests.planner.builders import BAND, DENSE, SHARED, framework, machine, recipe

TOKENS, BATCH, NODES = 8192, 8, 3
CALIBRATION = Calibration(memory={"NVIDIA": SHARED}, eager={}, mixture_memory=BAND, mixture=BAND, time={}, serving={})
MACHINES = tuple(machine(name=f"of {count}", accelerators=count) for count in (1, 2, 4))
OPTIONS = tuple(
    Option(framework=framework(), recipe=recipe(precision, "adamw", *techniques), extra=0)
    for precision in ("bf16", "fp16", "fp8")
    for techniques in (("replicated", "recompute-none"), ("zero1", "recompute-full"))
)
OFFLOADING = Option(
    framework=framework("deepspeed"),
    recipe=recipe("bf16", "adamw", "recompute-none", "zero2", "optimizer-offload", of="deepspeed"),
    extra=0,
)


def needs(*options: Option) -> Needs:
    """What machines of three sizes need, each with the same options."""
    scope = Scope(
        shape=DENSE,
        machines=MACHINES,
        options=(options,) * len(MACHINES),
        calibration=CALIBRATION,
        max_nodes=NODES,
        pins={},
    )
    return Needs(scope, TOKENS, BATCH)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: "-".join(option.recipe.techniques))
def test_every_machine_reads_its_own_needs(option: Option) -> None:
    """Whatever was asked before, a layout's need is that of its own recipe, computed on its own machine's layouts."""
    shared = needs(*OPTIONS)
    for other in OPTIONS:
        shared.device_bytes(MACHINES[0], other)
    for on in MACHINES:
        space = Space(
            shape=DENSE,
            sequence_tokens=TOKENS,
            global_batch=BATCH,
            framework=option.framework,
            devices_per_node=on.devices,
            max_nodes=NODES,
            pins={},
        )
        own = legal_layouts(space)
        assert [shared.grid(on, option).row(row) for row in range(len(own))] == [
            own.row(row) for row in range(len(own))
        ]
        alone = peak_bytes(training_memory(DENSE, option.recipe, own, TOKENS, option.framework, SHARED))
        assert np.array_equal(shared.device_bytes(on, option), BAND.high * alone)


def test_what_is_kept_elsewhere_is_counted_by_node() -> None:
    """Host memory and disk are asked for by all devices of a node; where nothing lives there, nothing is asked for."""
    shared = needs(OFFLOADING)
    for on in MACHINES:
        host, disk = shared.further(on, OFFLOADING)
        grid = shared.grid(on, OFFLOADING)
        kept = training_elsewhere(DENSE, OFFLOADING.recipe, grid, TOKENS, OFFLOADING.framework)
        assert np.array_equal(host.need, on.devices * kept.host)
        assert np.array_equal(disk.need, on.devices * kept.disk)
        assert (host.have, disk.have) == (on.host_memory_bytes, on.nvme_bytes)
    assert needs(OPTIONS[0]).further(MACHINES[0], replace(OPTIONS[0], extra=1)) == ()
