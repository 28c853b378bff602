"""What can one replica of a served model do, step by step?

What a simulator and the closed formulas of planner.serving both ask: how long a step takes, how many tokens the cache
holds, how many sequences and tokens of prompts the engine puts into a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.calibration import StepFactors
from planner.served_adapters import AdapterWork
from planner.speculation import Rounds
from planner.step_time import step_s
from planner.step_work import StepWork


class Replica(Struct, frozen=True, kw_only=True):
    """One replica on its engine. Tokens, sequences; numbers, or one per layout.

    `capacity_tokens` is what its cache holds, all devices together, `largest_batch` how many sequences the engine
    decodes at once, `batched_tokens` how many tokens it puts into a step at most. With `mixes_prompts` a step decodes
    and works on a piece of a prompt (chunked prefill); without, prompts have steps of their own, for which decoding
    waits. Of an answer the engine keeps room for `reserved_share` when it lets a request in. With `rounds` tokens are
    drafted and verified, `adapted` are the adapters of its requests.
    """

    work: StepWork
    factors: StepFactors
    capacity_tokens: Any
    largest_batch: Any
    batched_tokens: Any
    mixes_prompts: Any = True
    reserved_share: Any = 1.0
    rounds: Rounds | None = None
    adapted: AdapterWork | None = None

    def step_s(
        self,
        sequences: Any,
        cache_tokens: Any,
        prompt_tokens: Any = 0.0,
        prompt_pairs: Any = 0.0,
        undivided: Any = False,
        each_prompt: Any = np.inf,
    ) -> Any:
        """Seconds of a step that decodes `sequences` with `cache_tokens` of live cache in all, and works on
        `prompt_tokens` tokens of prompts that meet `prompt_pairs` keys, summed over the tokens.

        A piece of `q` tokens of a prompt behind `o` that are done meets `q * (o + q / 2)` keys. Where it is `undivided`
        the stages of a pipeline have it one after the other. Data ranks share prompts of `each_prompt` tokens, or have
        one alone. Arrays broadcast.
        """
        if self.rounds:
            return self.rounds.step_s(self.factors, sequences, cache_tokens, prompt_tokens, prompt_pairs, undivided)
        plain = step_s(
            self.work, self.factors, sequences, cache_tokens, prompt_tokens, prompt_pairs, undivided, each_prompt
        )
        if self.adapted:
            return plain + self.adapted.step_s(self.work, self.factors, sequences, prompt_tokens)
        return plain

    def prefill_s(self, tokens: Any, after: Any = 0.0) -> Any:
        """Seconds until `tokens` of a prompt, behind `after` that the cache holds, are worked on, alone on the replica.

        Pieces of `rank_tokens` each; what a request costs before its first step (`received_s`) is not in it.
        """
        steps = np.ceil(np.maximum(tokens, 1) / self.rank_tokens)
        piece = tokens / steps
        return steps * self.step_s(0.0, 0.0, piece, piece * (after + tokens / 2), undivided=True)

    @property
    def data(self) -> Any:
        """Data ranks, each with sequences and a cache of its own (planner.expert_ranks)."""
        return self.work.data

    @property
    def rank_tokens(self) -> Any:
        """Tokens of one prompt that a step takes at most: a prompt stays on one data rank."""
        return self.batched_tokens / self.data

    def received_s(self, prompt_tokens: Any) -> Any:
        """Seconds that a server takes before a request's first step: tokenizing, scheduling, the way there and back,
        and the copy of its adapter from the host."""
        each = self.factors.request_s + (self.adapted.load_s if self.adapted else 0.0)
        return each + prompt_tokens * self.factors.prompt_token_s

    def most_sequences(self, prompt_tokens: Any, answer_tokens: Any, prefix_tokens: Any = 0) -> Any:
        """Requests of such lengths that are in flight at most: those that fit beside a prefix that stays in the cache,
        up to the largest batch.
        """
        each = prompt_tokens + self.reserved_share * answer_tokens
        room = np.maximum(self.capacity_tokens - prefix_tokens, 0.0)
        return np.minimum(self.largest_batch, np.floor(room / each))
