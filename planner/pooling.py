"""How does a replica answer that makes embeddings: prompts in, one vector each out?

An embedding takes one pass over its prompt and no steps after it. Engines put as many waiting prompts into a step as
its budget of tokens takes, and keep no cache beyond it; a prompt is never cut. Works on numbers and on arrays of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.replica import Replica
from planner.serving_modes import Lengths, Pace
from planner.shape import ModelShape
from pricing.records import replace

# The arrivals during a step lie between these, of the latter as a share of what a step takes; halving the range of
# their logarithm so often finds them to a thousandth. How steps grow with their prompts is settled in two rounds.
FEWEST, FULLEST = 1e-3, 0.999
HALVINGS = 14
ROUNDS = 2


def without_head(shape: ModelShape) -> ModelShape:
    """The model as it makes embeddings: its last states are the answer, and no logits are made of them."""
    return replace(shape, head=False, head_transform=False)


def pooled(replica: Replica, lengths: Lengths, in_flight: Any) -> Pace:
    """Requests come at random, as many as keep `in_flight` answered at once; `ttft_s` is the time to the embedding.

    A step takes all that came during the one before it, one prompt at least.
    """
    in_flight = np.asarray(in_flight, dtype=float)
    most, growth = _most_together(replica, lengths), 0.0
    for _ in range(ROUNDS):
        arriving = _arriving(in_flight, most, growth)
        together, _ = _together(arriving, most, growth)
        step = _step_s(replica, lengths, together)
        more = _step_s(replica, lengths, 2 * together)
        growth = np.minimum((more - step) / step, 1.0)
    rate = arriving / step
    return _pace(replica.received_s(lengths.prompt) + in_flight / rate, rate)


def full_step(replica: Replica, lengths: Lengths) -> tuple[Any, Any]:
    """Prompts of a step that takes as many as it can, and its seconds."""
    together = _most_together(replica, lengths)
    return together, _step_s(replica, lengths, together)


def pooled_loop(replica: Replica, lengths: Lengths, clients: Any) -> Pace:
    """`clients` ask again as soon as they are answered: while half of them are at work, the others wait."""
    clients = np.asarray(clients, dtype=float)
    together = np.clip(clients / 2, 1.0, _most_together(replica, lengths))
    rate = together / _step_s(replica, lengths, together)
    return _pace(replica.received_s(lengths.prompt) + clients / rate, rate)


def _most_together(replica: Replica, lengths: Lengths) -> Any:
    """Prompts that a step takes at most."""
    return np.maximum(np.minimum(replica.batched_tokens / lengths.prompt, replica.largest_batch), 1.0)


def _together(arriving: Any, most: Any, growth: Any) -> tuple[Any, Any]:
    """Mean prompts of a step, and their mean square over that mean's: those that came during the step before, of a
    Poisson distribution, one at least.

    Exact but for how often none came, which is taken to the second order of the steps' spread.
    """
    alone = np.exp(-arriving)
    first = _square(arriving, arriving + alone, growth)
    none = np.minimum(alone * (1 + (growth * arriving) ** 2 * (first - 1) / 2), 1.0)
    together = np.minimum(arriving + none, most)
    return together, np.where(np.less(together, most), _square(arriving, together, growth), 1.0)


def _square(arriving: Any, together: Any, growth: Any) -> Any:
    busy = np.minimum(arriving / together, FULLEST)
    whole = (together + arriving**2 * (1 - growth**2)) / (1 - (growth * busy) ** 2)
    return np.maximum(whole / together**2, 1.0)


def _arriving(in_flight: Any, most: Any, growth: Any) -> Any:
    """Arrivals in the time of a step that keep so many in flight (Little's law)."""
    low, high = np.log(FEWEST) + 0.0 * in_flight, np.log(FULLEST * most) + 0.0 * in_flight
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        arriving = np.exp(middle)
        few = arriving * _steps_waited(arriving, most, growth) < in_flight
        low, high = np.where(few, middle, low), np.where(few, high, middle)
    return np.exp((low + high) / 2)


def _steps_waited(arriving: Any, most: Any, growth: Any) -> Any:
    """Mean steps from a request's arrival to its answer, its own counted.

    `growth` is by which share a step with twice the prompts is longer: with it, long steps bring many prompts to the
    next one, and more requests meet long steps than short ones. Who comes while a step is at work waits for the rest
    of it. What no step has room for waits on: the M/D/c queue of Sakasegawa (1977), with as many servers as a step
    takes prompts; where it takes one, all makes the M/D/1 formula.
    """
    together, square = _together(arriving, most, growth)
    busy = np.minimum(arriving / together, 1.0)
    own, rest = 1 - growth + growth * square, busy * (1 - growth**2 + growth**2 * square) / 2
    load = arriving / most
    queued = load ** np.sqrt(2 * (most + 1)) / (2 * most * (1 - load))
    return own + rest + queued


def _step_s(replica: Replica, lengths: Lengths, prompts: Any) -> Any:
    tokens = prompts * lengths.prompt
    return replica.step_s(0.0, 0.0, tokens, tokens * lengths.prompt / 2, undivided=True)


def _pace(seconds: Any, rate: Any) -> Pace:
    nothing = 0.0 * rate
    return Pace(ttft_s=seconds, tpot_s=nothing, decode_s=nothing, prompt_s=1 / rate, requests_per_s=rate)
