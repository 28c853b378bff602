"""How does one option on one machine do its part of a batch job?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from planner.batch_time import BatchClock, ReplicaRun, batch_clock, pooled_run, rolling_run, start_up_s
from planner.calibration import Calibration, ServingFactors
from planner.layout import AnyLayout
from planner.recipe import Place
from planner.recipes import Option
from planner.search import Demand
from planner.serving import Load, replica_of
from planner.shape import ModelShape
from planner.streamed_memory import StreamedMemory, streamed_memory
from planner.streamed_time import Streamed, streamed_replica, streamed_run
from planner.usage import weights_bytes
from pricing.instance_type import InstanceType

OF_HOST, OF_DISK = "of host memory per node", "of local disk per node"


class BatchJob(Struct, frozen=True, kw_only=True):
    """What a batch job must do: so many requests of a kind. `deadline_s` is when it should be over."""

    load: Load
    requests: int
    deadline_s: float


class BatchSetting(Struct, frozen=True, kw_only=True):
    """One option on one machine, with all that its runs and its memory stand on."""

    shape: ModelShape
    option: Option
    machine: InstanceType
    load: Load
    calibration: Calibration

    @property
    def factors(self) -> ServingFactors:
        """What the engine reaches on the accelerator."""
        return self.calibration.serving_factors(self.option.framework.name, self.machine.accelerator.name)

    def run(self, layout: AnyLayout, share: Any) -> ReplicaRun:
        """A replica's run over its share of the requests."""
        if self.option.framework.streaming:
            return streamed_run(self.streamed(layout), layout, self.load.lengths, share)
        replica = replica_of(self.shape, self.option.recipe, layout, self.machine, self.factors, self.load)
        if self.load.pools:
            return pooled_run(replica, self.load.lengths, share)
        return rolling_run(replica, self.load.lengths, layout.micro_batch, share)

    def streamed(self, layout: AnyLayout) -> Streamed:
        """The replica of an engine that streams."""
        streaming = self.option.framework.streaming
        assert streaming
        memory = self.memory(layout)
        kept = memory.kept_here, memory.kept_on_host
        return streamed_replica(self.shape, self.option.recipe, streaming, self.machine, self.factors, kept=kept)

    def memory(self, layout: AnyLayout, terms: Mapping[str, Any] | None = None) -> StreamedMemory:
        """What replicas of an engine that streams take, on device, host and disk; `terms` on the device, if known."""
        streaming = self.option.framework.streaming
        assert streaming
        return streamed_memory(
            self.shape,
            self.option.recipe,
            self.load,
            layout,
            self.machine,
            self.calibration,
            splits=streaming.splits,
            terms=terms,
        )

    def demands(self, memory: StreamedMemory) -> tuple[Demand, Demand]:
        """What a node is asked for beside its devices' memory."""
        return (
            Demand(of=OF_HOST, need=np.asarray(memory.host), have=memory.host_have),
            Demand(of=OF_DISK, need=np.asarray(memory.disk), have=memory.disk_have),
        )

    @property
    def start_s(self) -> float:
        """Seconds until a new node works."""
        size = weights_bytes(self.shape, self.option.recipe)
        return start_up_s(self.machine, size, self.option.recipe.weights_place is Place.DISK)

    def clock(self, layout: AnyLayout, run: ReplicaRun, share: Any) -> BatchClock:
        """The whole job of replicas that each run so."""
        accelerators = layout.tensor * layout.pipeline / self.machine.accelerator.ranks
        return batch_clock(run.work_s, self.start_s, share / run.work_s, run.in_flight, accelerators)
