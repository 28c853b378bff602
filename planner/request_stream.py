"""Which requests does a workload's load stand for, where no trace says?"""

from __future__ import annotations

import math

import numpy as np

from planner.serving import Load
from planner.simulation import Floats, Ints, Requests
from pricing.records import replace


def poisson_requests(load: Load, requests_per_s: float, count: int, seed: int, variation: float = 0.0) -> Requests:
    """Arrivals at random: intervals of an exponential distribution, independent of each other."""
    draw = np.random.default_rng(seed)
    at = np.cumsum(draw.exponential(1 / requests_per_s, count))
    given, made = _lengths(load, count, draw, variation)
    return Requests(at_s=at, input_tokens=given, output_tokens=made)


def closed_requests(load: Load, clients: int, count: int, seed: int, variation: float = 0.0) -> Requests:
    """So many clients, each of which asks again when it is answered."""
    given, made = _lengths(load, count, np.random.default_rng(seed), variation)
    return Requests(at_s=np.zeros(count), input_tokens=given, output_tokens=made, clients=clients)


def ready_requests(load: Load, count: int, seed: int, variation: float, longest: int) -> Requests:
    """So many that all stand ready at the start, none longer than `longest` tokens."""
    given, made = _lengths(replace(load, context_tokens=longest), count, np.random.default_rng(seed), variation)
    return Requests(at_s=np.zeros(count), input_tokens=given, output_tokens=made)


def _lengths(load: Load, count: int, draw: np.random.Generator, variation: float) -> tuple[Ints, Ints]:
    """Tokens in and out of each request: log-normal, with the load's means, within its context."""
    given = _log_normal(load.input_tokens, count, draw, variation)
    # An embedding comes with the step of its prompt, as a single token would.
    made = _log_normal(max(load.output_tokens, 1), count, draw, 0.0 if load.pools else variation)
    longest = max(load.context_tokens, load.input_tokens + load.output_tokens) + load.pools
    given = np.minimum(given, longest - 1)
    return given, np.minimum(made, longest - given)


def _log_normal(mean: int, count: int, draw: np.random.Generator, variation: float) -> Ints:
    """Whole numbers from 1 with a mean, and a standard deviation of `variation` means."""
    if variation == 0:
        return np.full(count, mean, dtype=np.int64)
    width = math.sqrt(math.log1p(variation**2))
    drawn: Floats = draw.lognormal(math.log(mean) - width**2 / 2, width, count)
    return np.maximum(np.rint(drawn), 1).astype(np.int64)
