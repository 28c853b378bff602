"""Does the table say of a step what the replica says?"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from msgspec import Struct

from planner.replica import Replica
from planner.serving import Load
from planner.step_table import prompt_share, step_table
from pricing.records import replace

LOAD = Load(input_tokens=1000, output_tokens=200, context_tokens=4000)


class Kinked(Struct, frozen=True):
    """A replica whose step is the longer of reading and computing, and a window that bounds what a sequence reads."""

    window: float = 1e9
    capacity_tokens: float = 50_000.0
    largest_batch: int = 32
    batched_tokens: int = 2048
    mixes_prompts: bool = True
    reserved_share: float = 0.0
    data: int = 1

    @property
    def rank_tokens(self) -> int:
        """A rank alone takes all."""
        return self.batched_tokens

    def step_s(
        self,
        sequences: Any,
        cache_tokens: Any,
        prompt_tokens: Any = 0.0,
        prompt_pairs: Any = 0.0,
        undivided: bool = False,
        each_prompt: Any = np.inf,
    ) -> Any:
        """8 ms of reading, 20 us a token, 0.1 us of cache each, 0.2 ns a key, 10 us more in a lone prompt."""
        rows = np.asarray(sequences + prompt_tokens)
        inside = np.minimum(cache_tokens, sequences * self.window)
        return (
            1e-3
            + np.maximum(8e-3, 2e-5 * rows)
            + 1e-7 * inside
            + 2e-10 * prompt_pairs
            + 1e-5 * undivided * prompt_tokens
        )


@pytest.mark.parametrize("replica", [Kinked(), Kinked(window=600.0)], ids=["plain", "windows"])
@pytest.mark.parametrize("sequences", [1, 7, 32])
@pytest.mark.parametrize("prompt", [0, 64, 333, 1000, 2016])
def test_a_step_is_looked_up_as_it_is(replica: Kinked, sequences: int, prompt: int) -> None:
    """With prompts and without, before the kink and behind it, at the middle of the load's answers."""
    table = step_table(cast(Replica, replica), LOAD, 32)
    live, pairs = sequences * 1100, prompt * prompt / 2
    column, rest = divmod(prompt, table.column_tokens)
    row = table.base_s[sequences]
    found = row[column] + (row[column + 1] - row[column]) * rest / table.column_tokens
    found += live * table.cached_token_s[sequences] + pairs * table.pair_s
    assert found == pytest.approx(float(replica.step_s(sequences, live, prompt, pairs)), rel=2e-3)


def test_limits_are_the_replicas_own() -> None:
    """Cache, budget and batch come from the replica; the batch is no larger than planned."""
    table = step_table(cast(Replica, Kinked()), LOAD, 20)
    assert (table.cache_tokens, table.budget_tokens, table.batch) == (50_000, 2048, 20)
    assert step_table(cast(Replica, Kinked()), LOAD, 500).batch == 32
    assert table.room_tokens < table.cache_tokens


def test_a_shared_prefix_takes_its_room_and_no_work() -> None:
    """Of prompts of 1,000 tokens that are known by 60 %, 600 tokens stay in the cache, and 400 are worked on."""
    load = replace(LOAD, known_share=0.6)
    table = step_table(cast(Replica, Kinked()), load, 20)
    assert (table.cache_tokens, table.known_share) == (49_400, 0.6)
    prompt = 1e-3 + 8e-3 + 2e-10 * 400 * 800
    step = 1e-3 + 8e-3 + 1e-7 * 11_000
    assert prompt_share(cast(Replica, Kinked()), load, 10) == pytest.approx(prompt / (prompt + 20 * step))


def test_a_lone_prompt_is_late_on_a_pipeline() -> None:
    """What a prompt takes through all stages beyond its share of the replica's time comes on top, token by token."""
    assert step_table(cast(Replica, Kinked()), LOAD, 20).late_s == pytest.approx(1e-5)


def test_prompts_take_their_share_of_time() -> None:
    """A prompt of 1,000 tokens takes 21.1 ms; 200 steps of 10 sequences, each a tenth of one's, 202 ms."""
    step = 1e-3 + 8e-3 + 1e-7 * 11_000
    prompt = 1e-3 + 2e-2 + 2e-10 * 5e5
    assert prompt_share(cast(Replica, Kinked()), LOAD, 10) == pytest.approx(prompt / (prompt + 20 * step))
