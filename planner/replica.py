"""What can one replica of a served model do, step by step?

What a simulator and the closed formulas of planner.serving both ask: how long a step takes, how many tokens the cache
holds, how many sequences and tokens of prompts the engine puts into a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.calibration import StepFactors
from planner.step_time import step_s
from planner.step_work import StepWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica on its engine. Tokens, sequences; numbers, or one per layout.

    `capacity_tokens` is what its cache holds, all devices together, `largest_batch` how many sequences the engine
    decodes at once, `batched_tokens` how many tokens it puts into a step at most. With `mixes_prompts` a step decodes
    and works on a piece of a prompt (chunked prefill); without, prompts have steps of their own, for which decoding
    waits. Of an answer the engine keeps room for `reserved_share` when it lets a request in.
    """

    work: StepWork
    factors: StepFactors
    capacity_tokens: Any
    largest_batch: Any
    batched_tokens: Any
    mixes_prompts: Any = True
    reserved_share: Any = 1.0

    def step_s(
        self,
        sequences: Any,
        cache_tokens: Any,
        prompt_tokens: Any = 0.0,
        prompt_pairs: Any = 0.0,
        undivided: Any = False,
    ) -> Any:
        """Seconds of a step that decodes `sequences` with `cache_tokens` of live cache in all, and works on
        `prompt_tokens` tokens of prompts that meet `prompt_pairs` keys, summed over the tokens.

        A piece of `q` tokens of a prompt behind `o` that are done meets `q * (o + q / 2)` keys. Where it is `undivided`
        the stages of a pipeline have it one after the other. Arrays broadcast.
        """
        return step_s(self.work, self.factors, sequences, cache_tokens, prompt_tokens, prompt_pairs, undivided)

    def prefill_s(self, tokens: Any, after: Any = 0.0) -> Any:
        """Seconds until `tokens` of a prompt, behind `after` that the cache holds, are worked on, alone on the replica.

        Pieces of `batched_tokens` each; what a request costs before its first step (`received_s`) is not in it.
        """
        steps = np.ceil(np.maximum(tokens, 1) / self.batched_tokens)
        piece = tokens / steps
        return steps * self.step_s(0.0, 0.0, piece, piece * (after + tokens / 2), undivided=True)

    def received_s(self, prompt_tokens: Any) -> Any:
        """Seconds that a server takes before a request's first step: tokenizing, scheduling, the way there and back."""
        return self.factors.request_s + prompt_tokens * self.factors.prompt_token_s

    def most_sequences(self, prompt_tokens: Any, answer_tokens: Any, prefix_tokens: Any = 0) -> Any:
        """Requests of such lengths that are in flight at most: those that fit beside a prefix that stays in the cache,
        up to the largest batch.
        """
        each = prompt_tokens + self.reserved_share * answer_tokens
        room = np.maximum(self.capacity_tokens - prefix_tokens, 0.0)
        return np.minimum(self.largest_batch, np.floor(room / each))
