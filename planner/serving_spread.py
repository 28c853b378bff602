"""How are TTFT and TPOT spread over the requests that a replica answers?

A time to the first token is computed as a distribution: how many prompts a cycle of the replica carries is a Markov
chain (those of one cycle come, at random, during the one before); a request meets the rest of a cycle and shares the
next with those that came beside it (planner.prompt_queue has the means of that). A time between tokens differs by what
arrives while an answer is made: each arrival adds its prompt's work to the steps of others, and its sequence to the
steps that both share. Arrivals at random make it a shot noise, whose variance is the number that arrive during an
answer times the mean square of what one adds (Campbell's theorem); what arrives while prompts are worked on makes it
wider by 1 / (1 - busy), as it does busy periods. A gamma distribution has that variance.
"""

from __future__ import annotations

from math import lgamma, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.replica import Replica
from planner.serving_modes import BUSIEST, Lengths, Pace
from planner.spread import QUANTILES, Spread, Spreads, gamma_spread

Floats = NDArray[np.float64]
# Prompts in one cycle that are looked at; more come together in no planned load.
MOST = 40
COUNTS = np.arange(MOST)
LOG_FACTORIALS = np.array([lgamma(count + 1) for count in range(MOST)])
# Ways to meet a replica that are rarer than this move no percentile.
RARE = 1e-6
# Rounds until the chain of cycles stands still: it forgets its start at least by half in each.
ROUNDS = 60
# Points at which the rest of a cycle and the lengths of prompts are looked at, each standing for as much.
POINTS = (np.arange(12) + 0.5) / 12
NORMAL = np.array([NormalDist().inv_cdf(float(point)) for point in POINTS])


def spreads(
    replica: Replica, lengths: Lengths, in_flight: float, pace: Pace, *, variation: float, replicas: int = 1
) -> Spreads:
    """The spread of a pace with `in_flight` requests at once on each of so many replicas, which share what comes.

    `variation` is the standard deviation of the lengths over their means.
    """
    return Spreads(
        ttft=_first(replica, lengths, in_flight, pace, variation),
        tpot=_between(replica, lengths, in_flight, pace, variation, replicas),
    )


def _first(replica: Replica, lengths: Lengths, in_flight: float, pace: Pace, variation: float) -> Spread:
    """Of all ways in which a request can meet a replica, weighed by how often it does."""
    decoded = in_flight if replica.mixes_prompts else 0.0
    worked = _worked_s(replica, lengths, decoded)
    cycle = worked.copy()
    cycle[0] = pace.decode_s
    rate = float(_busy(pace) / pace.prompt_s)
    comes = _poisson(rate * cycle)
    share = _standing(comes) * cycle
    weights = share[:, None] * comes
    # Prompts in the cycle that is met, and those that come beside.
    met, beside = np.nonzero(weights > RARE * weights.sum())
    behind = np.minimum(beside + 1, MOST - 1)
    wait = worked[behind][:, None] + POINTS * cycle[met][:, None]
    each = np.diff(worked, append=2 * worked[-1] - worked[-2])[behind]
    longer = variation * each[:, None] * np.sqrt(behind[:, None] + POINTS**2 * met[:, None])
    found = (wait[..., None] + longer[..., None] * NORMAL).ravel()
    often = np.repeat(weights[met, beside], len(POINTS) * len(NORMAL))
    order = np.argsort(found)
    reached = np.cumsum(often[order]) / often.sum()
    known = pace.ttft_s - np.average(found, weights=often)
    at = {name: float(known + found[order][np.searchsorted(reached, share)]) for name, share in QUANTILES.items()}
    return Spread(mean=float(pace.ttft_s), **at)


def _worked_s(replica: Replica, lengths: Lengths, decoded: float) -> Floats:
    """Seconds of the steps that carry so many prompts, none to `MOST`."""
    tokens = COUNTS * float(lengths.fresh)
    steps = np.maximum(np.ceil(tokens / replica.batched_tokens), 1.0)
    piece = tokens / steps
    pairs = piece * (lengths.cached + lengths.fresh / 2)
    return np.asarray(steps * replica.step_s(decoded, decoded * lengths.live, piece, pairs), dtype=np.float64)


def _standing(comes: Floats) -> Floats:
    """How often cycles carry so many prompts: `comes` has the chances of the next one's, a row for each."""
    share = np.full(MOST, 1.0 / MOST)
    for _ in range(ROUNDS):
        share = share @ comes
        share = share / share.sum()
    return share


def _poisson(means: Floats) -> Floats:
    """The chances of none to `MOST` under each mean, a row for each."""
    # Of a mean of 0 there is surely none.
    logs = np.log(np.maximum(means, np.finfo(float).tiny))[:, None]
    return np.asarray(np.exp(COUNTS * logs - means[:, None] - LOG_FACTORIALS))


def _between(
    replica: Replica, lengths: Lengths, in_flight: float, pace: Pace, variation: float, replicas: int
) -> Spread:
    more = in_flight + 1
    beside = replica.step_s(more, more * lengths.live) - pace.decode_s
    own = pace.prompt_s / lengths.answer
    # Lengths differ of prompts and of answers; what comes is beside an answer for the answer's own rest, what was there
    # before for its own.
    each: Any = own**2 * (1 + 2 * variation**2) + own * beside + 2 * beside**2 / 3
    variance = in_flight / replicas * each / (1 - _busy(pace)) ** 2
    return gamma_spread(float(pace.tpot_s), sqrt(float(variance)), float(np.minimum(pace.decode_s, pace.tpot_s)) / 2)


def _busy(pace: Pace) -> Any:
    """The share of time that prompts take."""
    return np.minimum(pace.requests_per_s * pace.prompt_s, BUSIEST)
