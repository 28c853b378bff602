"""Does a run take by the clock what its steps, its checkpoints and its failures take?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.training_time import START_UP_S
from planner.usage import CHECKPOINT_INTERVAL_H, checkpoint_bytes
from planner.wall_clock import NOTICED_S, SNAPSHOT_BYTES_PER_S, wall_clock
from pricing.records import replace
from pricing.units import DAY_S, HOUR_S
from tests.planner.builders import DENSE, LORA, NODE, ZERO1, machine, recipe

# Its checkpoints are empty.
INSTANT = replace(ZERO1, master_bytes=0.0, block_weight_bytes=0.0, optimizer_bytes=0.0)


def test_a_run_is_its_steps_and_what_interrupts_them() -> None:
    """Start-up, the steps, and what is lost add up to the run."""
    clock = wall_clock(DENSE, ZERO1, 8, NODE, 1000, 2.0)
    assert clock.run_s == pytest.approx(START_UP_S + 2000 + clock.checkpoints_s + clock.failures_s)


def test_llama_3_is_interrupted_as_it_was() -> None:
    """On 16,384 accelerators 54 days bring 419 failures, each a notice, a restart and half of an interval lost."""
    clock = wall_clock(DENSE, INSTANT, 16_384, NODE, 1, 54.0 * DAY_S)
    assert clock.between_failures_s == pytest.approx(54 * DAY_S / 419)
    assert clock.failures_s == pytest.approx(419 * (NOTICED_S + START_UP_S + CHECKPOINT_INTERVAL_H * HOUR_S / 2))


def test_checkpoints_stop_the_steps() -> None:
    """Every half hour each device copies its part of the states to the host; adapters alone take next to nothing."""
    clock = wall_clock(DENSE, ZERO1, 1, NODE, 1, DAY_S)
    copies = DAY_S / HOUR_S / CHECKPOINT_INTERVAL_H
    stalled = copies * checkpoint_bytes(DENSE, ZERO1) / SNAPSHOT_BYTES_PER_S
    assert clock.checkpoints_s == pytest.approx(stalled)
    assert wall_clock(DENSE, INSTANT, 1, NODE, 1, DAY_S).checkpoints_s == 0
    adapted = recipe("bf16", "lora", "adamw", "replicated", of="huggingface", adapter=LORA)
    assert checkpoint_bytes(DENSE, adapted) < 0.1 * checkpoint_bytes(DENSE, ZERO1)


def test_more_accelerators_fail_more_often() -> None:
    """The share of the time that is lost grows with accelerators, of which a chip with several cores is one."""
    devices = np.array([8, 64, 512, 4096])
    clock = wall_clock(DENSE, ZERO1, devices, NODE, 100, 1.0)
    assert np.all(np.diff(clock.failures_s) > 0)
    assert clock.between_failures_s * devices == pytest.approx(clock.between_failures_s[0] * 8)
    cores = wall_clock(DENSE, ZERO1, 4096, machine(ranks=2), 100, 1.0)
    assert cores.failures_s == pytest.approx(clock.failures_s[3] / 2)
