"""How long does a training run take by the clock, with what interrupts it?

Steps follow each other but for checkpoints, which stop them while device memory is copied to the host, and failures,
which cost a restart and the steps since the last checkpoint.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from planner.failures import failures_per_s
from planner.machines import AnyMachine, of_machine
from planner.recipe import Recipe
from planner.shape import ModelShape
from planner.training_time import START_UP_S
from planner.usage import CHECKPOINT_INTERVAL_H, checkpoint_bytes
from pricing.units import GIGA, HOUR_S

# A rank that is gone is noticed when the others' collectives time out (PyTorch's default for NCCL, 10 minutes).
NOTICED_S = 600
# From device memory to pinned memory of the host while training waits: PCIe 4.0 x16 as copies reach it.
SNAPSHOT_BYTES_PER_S = 20 * GIGA


class WallClock(Struct, frozen=True, kw_only=True):
    """Seconds of a run by the clock; numbers, or one per layout.

    `run_s` is all of it, `checkpoints_s` and `failures_s` what these take of it, `between_failures_s` the mean time
    from one failure to the next.
    """

    checkpoints_s: Any
    failures_s: Any
    between_failures_s: Any
    run_s: Any


def wall_clock(
    shape: ModelShape, recipe: Recipe, devices: Any, machine: AnyMachine, steps: int, step_s: Any
) -> WallClock:
    """Seconds of a run of so many steps on `devices` of such machines, or each on its own, start-up included."""
    interval_s = CHECKPOINT_INTERVAL_H * HOUR_S
    snapshot_s = checkpoint_bytes(shape, recipe) / devices / SNAPSHOT_BYTES_PER_S
    failing = failures_per_s(devices / of_machine(lambda one: one.accelerator.ranks, machine))
    checkpoints_s = snapshot_s / interval_s * steps * step_s
    # On average a failure comes in the middle between two checkpoints.
    failures_s = failing * (NOTICED_S + START_UP_S + interval_s / 2) * steps * step_s
    return WallClock(
        checkpoints_s=checkpoints_s,
        failures_s=failures_s,
        between_failures_s=1 / failing,
        run_s=START_UP_S + steps * step_s + checkpoints_s + failures_s,
    )
