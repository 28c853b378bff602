"""What does a step take where cheap drafts of the next tokens are verified at once?

A round drafts k tokens, one after another, and verifies them in one step of the model. With a chance a that a token is
accepted where those before it were, (1 - a^(k + 1)) / (1 - a) tokens come out of it on average, the model's own counted
(Leviathan et al. 2023, arXiv 2211.17192, equation 1). The draft stands on the model's devices, has a cache of its own,
and reads each prompt too. Engines draft inside their step: it is scheduled and handed out once a round.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.calibration import StepFactors
from planner.kv_cache import cache_bytes
from planner.layout import AnyLayout
from planner.recipe import Recipe
from planner.shape import ModelShape
from planner.step_time import step_s
from planner.step_work import StepWork, step_work
from pricing.instance_type import InstanceType
from pricing.records import replace

# Drafts are small: their weights are kept in 16 bits, whatever the model's.
WEIGHT_BYTES = 2.0


class Speculation(Struct, frozen=True, kw_only=True):
    """How tokens are drafted: `tokens` a round, each accepted with the chance `acceptance`.

    `draft` is the model that does it, None where tokens are copied from the prompt; with `shares_ends` it has the
    served model's embedding and head. `name` is what the user calls it.
    """

    name: str
    tokens: int
    acceptance: float
    draft: ModelShape | None = None
    shares_ends: bool = False

    @property
    def tokens_per_round(self) -> float:
        """Tokens that a round makes, on average (equation 1)."""
        return float((1 - self.acceptance ** (self.tokens + 1)) / (1 - self.acceptance))

    def runs_on(self, layout: AnyLayout) -> Any:
        """Which layouts can draft: vLLM does not on pipelines, and the draft's heads must divide too."""
        whole = np.equal(layout.pipeline, 1)
        return whole if self.draft is None else whole & np.equal(np.remainder(self.draft.heads, layout.tensor), 0)

    def weight_bytes(self, tensor: Any) -> Any:
        """Bytes of the draft's weights on one of `tensor` ranks."""
        if self.draft is None:
            return 0.0 * tensor
        held = self.draft.block_parameters if self.shares_ends else self.draft.parameters
        # What joins the model's states with the last token's embedding (EAGLE, arXiv 2401.15077; MTP).
        joined = 2 * self.draft.hidden**2 * self.shares_ends
        return WEIGHT_BYTES * (held + joined) / tensor

    def cache_bytes_per_token(self, recipe: Recipe, tensor: Any) -> Any:
        """Bytes that a token keeps in the draft's cache on one rank; its type is that of the model's."""
        if self.draft is None:
            return 0.0 * tensor
        return cache_bytes(self.draft, recipe.kv_bytes, 1, tensor, whole=True)

    def rounds(self, work: StepWork, recipe: Recipe, layout: AnyLayout, machine: InstanceType) -> Rounds:
        """The rounds of a replica whose model's step is `work`."""
        plain = replace(
            recipe, block_weight_bytes=WEIGHT_BYTES, outer_weight_bytes=WEIGHT_BYTES, dense_weight_bytes=None
        )
        return Rounds(
            tokens=self.tokens,
            tokens_per_round=self.tokens_per_round,
            # Every verified token passes the head.
            verified=replace(work, head_flop=work.head_flop * (self.tokens + 1)),
            draft=None if self.draft is None else step_work(self.draft, plain, layout, machine),
        )


class Rounds(Struct, frozen=True, kw_only=True):
    """A replica's rounds: what they read and compute, as planner.step_work counts it."""

    tokens: int
    tokens_per_round: float
    verified: StepWork
    draft: StepWork | None

    def step_s(
        self,
        factors: StepFactors,
        sequences: Any,
        cache_tokens: Any,
        prompt_tokens: Any,
        prompt_pairs: Any,
        undivided: bool,
    ) -> Any:
        """Seconds from one token of a sequence to its next, on average over its rounds; arguments are those of
        planner.step_time. Prompts take what they add to a round. Who waits for one that is `undivided` waits for all of
        its round.
        """
        alone = self._round_s(factors, sequences, cache_tokens, 0.0, 0.0, False)
        mixed = self._round_s(factors, sequences, cache_tokens, prompt_tokens, prompt_pairs, undivided)
        if undivided:
            return mixed
        decodes = np.greater(sequences, 0)
        return mixed - np.where(decodes, alone * (1 - 1 / self.tokens_per_round), 0.0)

    def _round_s(
        self, factors: StepFactors, sequences: Any, live: Any, prompt: Any, pairs: Any, undivided: bool
    ) -> Any:
        """Seconds of a whole round: drafts, the step that verifies them, and the draft's own reading of prompts."""
        more, met = self.tokens * sequences, self.tokens * live
        verified = step_s(self.verified, factors, sequences, live, prompt + more, pairs + met, undivided)
        if self.draft is None:
            return verified
        inside = replace(factors, step_s=0.0, sequence_s=0.0)
        drafted = self.tokens * step_s(self.draft, inside, sequences, live) * np.greater(sequences, 0)
        read = step_s(self.draft, inside, 0.0, 0.0, prompt, pairs, undivided) * np.greater(prompt, 0)
        return verified + drafted + read


def drafts_of_its_own(shape: ModelShape) -> ModelShape:
    """The block that drafts on top of a model (EAGLE, MTP): one like the model's last, with the model's ends."""
    return replace(shape, name=f"a block of {shape.name}", blocks=(replace(shape.blocks[-1], count=1),))
