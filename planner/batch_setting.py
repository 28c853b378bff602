"""How does one option on one machine do its part of a batch job?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.batch_time import BatchClock, ReplicaRun, batch_clock, rolling_run, start_up_s
from planner.calibration import ServingFactors
from planner.layout import AnyLayout
from planner.recipe import Place
from planner.recipes import Option
from planner.replica import Replica
from planner.serving import Load, replica_of
from planner.shape import ModelShape
from planner.step_work import step_work
from planner.streamed_time import Streamed, streamed_replica, streamed_run
from planner.usage import weights_bytes
from pricing.instance_type import InstanceType


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """What a batch job must do: so many requests of a kind. `deadline_s` is when it should be over."""

    load: Load
    requests: int
    deadline_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One option on one machine, with all that its runs and its memory stand on."""

    shape: ModelShape
    option: Option
    machine: InstanceType
    factors: ServingFactors
    load: Load

    def run(self, layout: AnyLayout, share: Any) -> ReplicaRun:
        """A replica's run over its share of the requests."""
        if self.option.framework.streaming:
            return streamed_run(self.streamed(layout), layout, self.load.lengths, share)
        tokens = self.load.input_tokens + self.load.output_tokens
        replica = replica_of(self.shape, self.option.recipe, layout, self.machine, self.factors, tokens)
        return rolling_run(replica, self.load.lengths, layout.micro_batch, share)

    def streamed(self, layout: AnyLayout) -> Streamed:
        """The replica of an engine that streams; its memory is `streamed_bytes`."""
        streaming = self.option.framework.streaming
        assert streaming
        replica = Replica(
            work=step_work(self.shape, self.option.recipe, layout, self.machine),
            factors=self.factors,
            capacity_tokens=np.inf,
            largest_batch=self.factors.largest_batch,
            batched_tokens=np.inf,
            mixes_prompts=False,
        )
        return streamed_replica(self.shape, self.option.recipe, streaming, replica, self.machine)

    @property
    def start_s(self) -> float:
        """Seconds until a new node works."""
        size = weights_bytes(self.shape, self.option.recipe)
        return start_up_s(self.machine, size, self.option.recipe.weights_place is Place.DISK)

    def clock(self, layout: AnyLayout, run: ReplicaRun, share: Any) -> BatchClock:
        """The whole job of replicas that each run so."""
        accelerators = layout.tensor * layout.pipeline / self.machine.accelerator.ranks
        return batch_clock(run.work_s, self.start_s, share / run.work_s, run.in_flight, accelerators)
