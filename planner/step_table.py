"""How long is every step that a replica could take, looked up instead of computed?

A simulation asks for millions of steps. A step's time is that of its rows, in which it is not straight, plus what the
live cache and the keys of prompts add, in which it is (planner.step_time): one table by rows and two slopes say it.
"""

from __future__ import annotations

import numpy as np

from planner.replica import Replica
from planner.replica_clock import StepTable
from planner.serving import Load

# Between two columns the time of a step is within a thousandth of straight.
COLUMNS = 128
# A cache without end, of a model that keeps none.
LARGEST_CACHE = 2**53


def step_table(replica: Replica, load: Load, most_sequences: int) -> StepTable:
    """The table of a replica that runs up to `most_sequences` at once.

    Slopes are taken where requests of this load are: with blocks whose attention has a window, a token beyond it adds
    less than one within.
    """
    if load.pools:
        return _pooled_table(replica, load, most_sequences)
    batch = max(min(most_sequences, int(replica.largest_batch)), 1)
    budget = int(replica.batched_tokens)
    width = -(-budget // COLUMNS)
    tokens = np.arange(COLUMNS + 2) * width
    sequences = np.arange(batch + 1)
    alone = float(min(load.input_tokens, replica.rank_tokens))
    base = replica.step_s(sequences[:, None], 0.0, tokens[None, :], 0.0, each_prompt=alone) + 0.0 * tokens
    # From the middle of a prompt's answer to its end.
    middle, whole = (load.input_tokens + share * load.output_tokens for share in (0.5, 1.0))
    rows = np.maximum(sequences, 1)
    early, late = (replica.step_s(rows, rows * context) for context in (middle, whole))
    slope = np.asarray((late - early) / (rows * (whole - middle)))
    # What tokens within a window cost beyond that stands in the table, so that the middle is exact.
    base = (
        base
        + (np.asarray(early - replica.step_s(rows, 0.0)) - slope * rows * middle)[:, None] * (sequences > 0)[:, None]
    )
    prompt = alone
    pairs = prompt * prompt / 2
    pair_s = float(replica.step_s(0.0, 0.0, prompt, pairs) - replica.step_s(0.0, 0.0, prompt)) / pairs
    # On a pipeline: with half the batch beside it, which hardly matters. Of drafts the rest of a round does matter, and
    # is that of the sequences that there are (planner.simulate).
    decoded = 0.0 if load.speculation else batch / 2
    beside = (decoded, decoded * middle, prompt, pairs)
    late = float(replica.step_s(*beside, undivided=True) - replica.step_s(*beside)) / prompt
    return StepTable(
        base_s=tuple(tuple(row) for row in base.tolist()),
        column_tokens=width,
        cached_token_s=tuple(slope.tolist()),
        pair_s=pair_s,
        mixes_prompts=replica.mixes_prompts,
        cache_tokens=max(int(replica.capacity_tokens) - int(replica.data) * load.prefix_tokens, 0),
        data=int(replica.data),
        batch=batch,
        budget_tokens=budget,
        reserved_share=float(replica.reserved_share),
        late_s=late,
        known_share=load.known_share,
    )


def _pooled_table(replica: Replica, load: Load, most_sequences: int) -> StepTable:
    """The table of a replica that makes embeddings: steps of prompts alone, which leave no cache behind."""
    budget = int(max(replica.batched_tokens, load.context_tokens))
    width = -(-budget // COLUMNS)
    base = replica.step_s(0.0, 0.0, np.arange(COLUMNS + 2) * width, 0.0, undivided=True)
    pairs = float(load.input_tokens) ** 2 / 2
    prompt = float(load.input_tokens)
    pair_s = float(replica.step_s(0.0, 0.0, prompt, pairs) - replica.step_s(0.0, 0.0, prompt)) / pairs
    return StepTable(
        base_s=(tuple(base.tolist()),),
        column_tokens=width,
        cached_token_s=(0.0,),
        pair_s=pair_s,
        mixes_prompts=replica.mixes_prompts,
        # What is in a step at once has room, whichever model it is.
        cache_tokens=int(min(replica.capacity_tokens, LARGEST_CACHE)),
        batch=max(min(most_sequences, int(replica.largest_batch)), 1),
        budget_tokens=budget,
    )


def prompt_share(replica: Replica, load: Load, sequences: float) -> float:
    """The part of a replica's time that prompts take, with so many requests in flight; the rest makes answers."""
    if load.pools:
        return 1.0
    lengths, made = load.lengths, load.output_tokens
    live, fresh = sequences * lengths.live, lengths.fresh
    prompt = float(replica.step_s(0.0, 0.0, fresh, fresh * (lengths.cached + fresh / 2)))
    answer = made * float(replica.step_s(sequences, live)) / sequences
    return prompt / (prompt + answer)
