"""Are drawn requests what their workload says on average?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.request_stream import closed_requests, poisson_requests
from planner.serving import Load

LOAD = Load(input_tokens=1000, output_tokens=200, context_tokens=8000)


def test_arrivals_are_a_poisson_process() -> None:
    """Intervals have the mean of the rate, and a standard deviation as large."""
    found = poisson_requests(LOAD, 5.0, 50_000, 0)
    intervals = np.diff(found.at_s)
    assert intervals.mean() == pytest.approx(0.2, rel=0.02)
    assert intervals.std() == pytest.approx(0.2, rel=0.03)
    assert set(found.input_tokens.tolist()) == {1000} and set(found.output_tokens.tolist()) == {200}


def test_lengths_vary_as_asked_within_the_context() -> None:
    """Log-normal lengths keep the mean, and no request is longer than the context."""
    found = poisson_requests(LOAD, 5.0, 50_000, 0, variation=0.5)
    assert found.input_tokens.mean() == pytest.approx(1000, rel=0.02)
    assert found.input_tokens.std() == pytest.approx(500, rel=0.05)
    assert (found.input_tokens + found.output_tokens).max() <= 8000
    assert found.output_tokens.min() >= 1


def test_a_seed_decides() -> None:
    """The same seed draws the same requests, another one others."""
    first, same, other = (poisson_requests(LOAD, 5.0, 100, seed) for seed in (1, 1, 2))
    assert (first.at_s == same.at_s).all()
    assert (first.at_s != other.at_s).any()


def test_a_closed_loop_has_clients() -> None:
    """Clients in place of arrivals."""
    found = closed_requests(LOAD, 7, 100, 0)
    assert (found.clients, len(found)) == (7, 100)
