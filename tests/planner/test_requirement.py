"""Does the requirement say what one device would need, before any machine is chosen?"""

from __future__ import annotations

import pytest

from planner.calibration import load_calibration
from planner.choose import job_of
from planner.eligible import contenders
from planner.need_record import Requirement
from planner.requirement import requirement
from planner.workload import Workload
from tests.planner.builders import DENSE
from tests.planner.market_builders import (
    gib,
    inference,
    machine,
    market,
    serving_machines,
    three_machines,
    three_offers,
    training,
    workload,
)


def needed(asked: Workload, *, serving: bool = False) -> Requirement:
    """The requirement of a workload on the small market."""
    machines = serving_machines() if serving else three_machines()
    able, _ = contenders(asked, DENSE, market(machines, three_offers()))
    return requirement(DENSE, job_of(asked, DENSE), able, load_calibration())


def test_training_states_are_in_it() -> None:
    """Without sharding, a pretraining needs weights, gradients and states of 18 bytes a parameter, and more."""
    found = needed(workload())
    assert found.plain_bytes > 18 * DENSE.parameters
    assert found.largest_device_bytes == gib(6)


def test_techniques_lower_it() -> None:
    """Recompute is a technique that the planner may add, so the least need is below the plain one."""
    found = needed(workload())
    assert found.least_bytes < found.plain_bytes
    pinned = needed(workload(pin={"recompute": "none", "sharding": "replicated"}))
    assert pinned.least_bytes == pinned.plain_bytes == found.plain_bytes


def test_an_adapter_needs_less_than_all_weights() -> None:
    """Who trains adapters only keeps no states of the base."""
    lora = needed(workload(training=training(method="lora")))
    assert lora.plain_bytes < needed(workload()).plain_bytes - 10 * DENSE.parameters


@pytest.mark.parametrize(("precision", "block_bytes"), [("bf16", 2.0), ("int8", 1.0), ("fp8", 1.0), ("int4", 0.5)])
def test_serving_needs_the_weights_and_one_context(precision: str, block_bytes: float) -> None:
    """Weights at the precision asked for, embeddings and head in 16 bits, and the cache of one long request."""
    found = needed(workload(inference=inference(precision=precision)), serving=True)
    outer = DENSE.parameters - DENSE.block_parameters
    least = DENSE.block_parameters * block_bytes + outer * 2 + 640 * DENSE.cache_width_per_token * 2
    # Quantized weights carry scales: an eighth of their size at most.
    assert least <= found.plain_bytes <= least * 1.125


def test_the_largest_device_is_that_of_a_contender() -> None:
    """A type that is left out does not count."""
    asked = workload(limits={"instance_types": {"deny": ["*.large"]}})
    machines = [*three_machines(), machine("p5.unsold", memory_gib=99)]
    able, _ = contenders(asked, DENSE, market(machines, three_offers()))
    assert requirement(DENSE, job_of(asked, DENSE), able, load_calibration()).largest_device_bytes == gib(1.8)
