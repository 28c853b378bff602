"""What does a step of a planned replica take, by the formulas that planned it?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.calibration import ServingFactors
from planner.layout import Layout
from planner.recipe import Recipe
from planner.serving import Load, decode_step_s, prefill_s, replica_memory
from planner.shape import ModelShape
from pricing.instance_type import InstanceType


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedReplica:
    """The steps of planner.serving: prompts add to a step what they take alone, shared by the stages of a pipeline."""

    shape: ModelShape
    recipe: Recipe
    layout: Layout
    machine: InstanceType
    factors: ServingFactors
    load: Load
    mixes_prompts: bool = True
    reserved_share: float = 0.0
    request_s: float = 0.0

    @property
    def capacity_tokens(self) -> float:
        """Tokens that the cache holds."""
        tokens = self.load.input_tokens + self.load.output_tokens
        memory = replica_memory(self.shape, self.recipe, self.layout, self.machine, self.factors, tokens)
        return float(memory.capacity_tokens)

    @property
    def largest_batch(self) -> int:
        """The most sequences at once."""
        return self.factors.largest_batch

    @property
    def batched_tokens(self) -> int:
        """The most tokens in a step."""
        return self.factors.batched_tokens or self.shape.context_tokens

    def step_s(self, sequences: Any, cache_tokens: Any, prompt_tokens: Any = 0.0, prompt_pairs: Any = 0.0) -> Any:
        """Seconds of a step that decodes `sequences` with so much live cache and works on so many prompt tokens.

        What prompts take is that of one of the load's length, in proportion.
        """
        rows = np.maximum(sequences, 1)
        decode = decode_step_s(
            self.shape,
            self.recipe,
            replace(self.layout, micro_batch=rows),
            replace(self.load, input_tokens=cache_tokens / rows, output_tokens=0),
            self.machine,
            self.factors,
        )
        prompt = prefill_s(self.shape, self.recipe, self.layout, self.load, self.machine, self.factors)
        added = prompt_tokens / self.load.input_tokens * prompt / self.layout.pipeline
        return np.where(np.greater(sequences, 0), decode, 0.0) + added + 0.0 * prompt_pairs
