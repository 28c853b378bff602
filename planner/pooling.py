"""How does a replica answer that makes embeddings: prompts in, one vector each out?

An embedding takes one pass over its prompt and no steps after it. Engines put as many waiting prompts into a step as its
budget of tokens takes, and keep no cache beyond it; a prompt is never cut. Works on numbers and on arrays of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from planner.replica import Replica
from planner.serving_modes import Lengths, Pace
from planner.shape import ModelShape

# Halvings of the interval in which the arrivals during a step lie: to a billionth of it.
HALVINGS = 30
FULLEST = 0.999


def without_head(shape: ModelShape) -> ModelShape:
    """The model as it makes embeddings: its last states are the answer, and no logits are made of them."""
    return replace(shape, head=False, head_transform=False)


def pooled(replica: Replica, lengths: Lengths, in_flight: Any) -> Pace:
    """Requests come at random, as many as keep `in_flight` answered at once; `ttft_s` is the time to the embedding.

    A step takes all that came during the one before it. With `x` arrivals in the time of a step, steps have
    `x + exp(-x)` prompts (one at least), and a request that comes while a step is at work waits for half of it on
    average. What no step has room for waits on: the M/D/c queue of Sakasegawa (1977), with as many servers as a step
    takes prompts; for one prompt a step that makes the M/D/1 formula.
    """
    in_flight = np.asarray(in_flight, dtype=float)
    most = _most_together(replica, lengths)
    low, high = 0.0 * in_flight, FULLEST * most + 0.0 * in_flight
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        few = middle * _steps_waited(middle, most) < in_flight
        low, high = np.where(few, middle, low), np.where(few, high, middle)
    arriving = (low + high) / 2
    step = _step_s(replica, lengths, np.minimum(arriving + np.exp(-arriving), most))
    rate = arriving / step
    return _pace(replica.request_s + in_flight / rate, rate)


def pooled_loop(replica: Replica, lengths: Lengths, clients: Any) -> Pace:
    """`clients` ask again as soon as they are answered: while half of them are at work, the others wait."""
    clients = np.asarray(clients, dtype=float)
    together = np.clip(clients / 2, 1.0, _most_together(replica, lengths))
    rate = together / _step_s(replica, lengths, together)
    return _pace(replica.request_s + clients / rate, rate)


def _most_together(replica: Replica, lengths: Lengths) -> Any:
    """Prompts that a step takes at most."""
    return np.maximum(np.minimum(replica.batched_tokens / lengths.prompt, replica.largest_batch), 1.0)


def _steps_waited(arriving: Any, most: Any) -> Any:
    """Steps from a request's arrival to its answer, its own counted."""
    busy = arriving / np.minimum(arriving + np.exp(-arriving), most)
    load = arriving / most
    queued = load ** np.sqrt(2 * (most + 1)) / (2 * most * (1 - load))
    return 1 + np.minimum(busy, 1.0) / 2 + queued


def _step_s(replica: Replica, lengths: Lengths, prompts: Any) -> Any:
    tokens = prompts * lengths.prompt
    return replica.step_s(0.0, 0.0, tokens, tokens * lengths.prompt / 2, undivided=True)


def _pace(seconds: Any, rate: Any) -> Pace:
    nothing = 0.0 * rate
    return Pace(
        ttft_s=seconds, tpot_s=nothing, decode_s=nothing, prompt_s=1 / rate, busy=nothing, requests_per_s=rate
    )
