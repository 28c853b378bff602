"""What do low-rank adapters of many tenants cost that one base model serves side by side?

Each request names an adapter; a step adds to every adapted product the two thin ones of its sequences' adapters, read
once for each adapter that is in the batch (Punica, arXiv 2310.18547; S-LoRA, arXiv 2311.03285). Adapters that are not
on the device lie in host memory and are copied before their request's first step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.adapters import adapter_parameters
from planner.calibration import StepFactors
from planner.layout import AnyLayout
from planner.offload_time import host_bytes_per_s
from planner.recipe import Adapter
from planner.shape import ModelShape
from planner.step_work import StepWork
from pricing.instance_type import InstanceType

WEIGHT_BYTES = 2.0
# Punica adds 2 ms to a token of a 7B (abstract of arXiv 2310.18547), in 32 blocks of seven products, two kernels each.
BLOCK_LAUNCHES_S = 2e-3 / 32


class ServedAdapters(Struct, frozen=True, kw_only=True):
    """So many adapters, asked for equally often; `loaded` of them are on the device, None for one a request."""

    count: int
    adapter: Adapter
    loaded: int | None = None

    def slots(self, sequences: Any) -> Any:
        """Adapters on the device of a replica with so many requests in flight."""
        return np.minimum(self.count, sequences if self.loaded is None else self.loaded)

    def parameters(self, shape: ModelShape) -> int:
        """Parameters of one adapter."""
        return sum(run.count * adapter_parameters(run, shape.hidden, self.adapter) for run in shape.blocks)

    def host_bytes(self, shape: ModelShape) -> float:
        """Bytes of all adapters, which the host keeps."""
        return WEIGHT_BYTES * self.count * self.parameters(shape)

    def device_bytes(self, shape: ModelShape, layout: AnyLayout) -> Any:
        """Bytes of the loaded adapters on one device."""
        return self.slots(layout.micro_batch) * self._bytes_each(shape, layout)

    def _bytes_each(self, shape: ModelShape, layout: AnyLayout) -> Any:
        """Bytes of one adapter on one device: tensor ranks divide one of its two products (vLLM's LoRAConfig,
        fully_sharded_loras)."""
        return WEIGHT_BYTES * self.parameters(shape) * (1 + 1 / layout.tensor) / 2 / layout.pipeline

    def work(self, shape: ModelShape, layout: AnyLayout, machine: InstanceType) -> AdapterWork:
        """What a step of a replica does for its adapters."""
        slots = self.slots(layout.micro_batch)
        each = self._bytes_each(shape, layout)
        return AdapterWork(
            count=self.count,
            slots=slots,
            bytes_each=each,
            launches_s=BLOCK_LAUNCHES_S * shape.layers / layout.pipeline,
            load_s=(1 - slots / self.count) * each / host_bytes_per_s(machine),
        )


class AdapterWork(Struct, frozen=True, kw_only=True):
    """Of one device of a stage. Bytes, seconds; `load_s` is what a request waits for its adapter on average."""

    count: int
    slots: Any
    bytes_each: Any
    launches_s: Any
    load_s: Any

    def step_s(self, work: StepWork, factors: StepFactors, sequences: Any, prompt_tokens: Any) -> Any:
        """Seconds that adapters add to a step with so many sequences and tokens of prompts."""
        asked = np.maximum(sequences, np.greater(prompt_tokens, 0))
        # Of equally likely adapters so many different ones are in a batch.
        different = np.minimum(self.slots, self.count * (1 - (1 - 1 / self.count) ** asked))
        read = different * self.bytes_each / (factors.memory * work.memory_bytes_per_s)
        # A product with a weight is two operations a token.
        flop = 2 * self.bytes_each / WEIGHT_BYTES * (sequences + prompt_tokens)
        computed = flop / (factors.matmul * work.wide_flop_per_s)
        return work.stages * (self.launches_s + read + computed)
