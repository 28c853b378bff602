"""Is what a simulation reports what its requests saw, and is it held against the plan's figures?"""

from __future__ import annotations

import json

import numpy as np
import pytest

from planner.replica_clock import StepTable
from planner.simulated import Expected, Simulated, simulated, verdict
from planner.simulation import Requests
from planner.spread import Spread, Spreads
from pricing.records import replace

# Ten ms a step, whatever it carries.
TABLE = StepTable(
    base_s=((0.01,) * 4,) * 65,
    column_tokens=100,
    cached_token_s=(0.0,) * 65,
    pair_s=0.0,
    mixes_prompts=True,
    cache_tokens=100_000,
    batch=64,
    budget_tokens=200,
)
EXPECTED = Expected(ttft_s=0.02, tpot_s=0.01, output_tokens_per_s=550.0, delay_s=0.005)


def stream(count: int = 1000, every_s: float = 0.02, output: int = 11) -> Requests:
    """Requests at even intervals, of 100 tokens."""
    return Requests(
        at_s=np.arange(count, dtype=np.float64) * every_s,
        input_tokens=np.full(count, 100),
        output_tokens=np.full(count, output),
    )


def found(expected: Expected = EXPECTED, requests: Requests | None = None, *, warm_up: bool = False) -> Simulated:
    """The simulation of two replicas."""
    return simulated(requests or stream(), TABLE, 2, expected, warm_up=warm_up)


def test_times_are_of_the_requests() -> None:
    """A token each 10 ms after a prompt of one step, and 5 ms before the engine sees the request."""
    figures = found()
    assert figures.tpot_s.mean == pytest.approx(0.01)
    assert figures.tpot_s.p99 == pytest.approx(0.01)
    assert 0.015 <= figures.ttft_s.p50 <= figures.ttft_s.p95 <= figures.ttft_s.p99 <= 0.026
    assert figures.request_s.mean == pytest.approx(figures.ttft_s.mean + 10 * 0.01)
    assert figures.requests_per_s == pytest.approx(50, rel=0.01)
    assert figures.output_tokens_per_s == pytest.approx(550, rel=0.01)


def test_replicas_are_told_by_their_time() -> None:
    """Fifty requests a second of some 0.11 s are 5.5 at once, on two replicas; Little's law."""
    figures = found()
    assert figures.sequences == pytest.approx(50 * 0.105 / 2, rel=0.1)
    assert 0.9 < figures.utilisation <= 1
    assert 0 < figures.cache_share < figures.peak_cache_share < 0.01


def test_drawn_requests_warm_up() -> None:
    """The first tenth meets an empty fleet and is left out; of a trace nothing is."""
    assert (found(warm_up=True).left_out, found().left_out) == (100, 0)


def test_figures_that_agree_are_said_to() -> None:
    """Within the tolerances one sentence says so."""
    assert list(verdict(found())) == ["The formulas and the simulation agree."]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        (replace(EXPECTED, ttft_s=0.2), "TTFT"),
        (replace(EXPECTED, tpot_s=0.02), "TPOT"),
        (replace(EXPECTED, output_tokens_per_s=900.0), "output rate"),
    ],
)
def test_figures_that_do_not_agree_are_explained(changed: Expected, name: str) -> None:
    """Beyond the tolerance the report says which to trust, and why."""
    (sentence,) = verdict(found(changed))
    assert sentence.startswith(f"{name}: the formulas say")
    assert "Trust the simulation: it" in sentence


def test_percentiles_are_held_against_the_simulated_ones() -> None:
    """Where formulas have percentiles each is compared, and one that is off is named."""
    even = Spread(mean=0.01, p50=0.01, p95=0.01, p99=0.01)
    near = Spread(mean=0.024, p50=0.025, p95=0.025, p99=0.025)
    assert list(verdict(found(replace(EXPECTED, spreads=Spreads(ttft=near, tpot=even))))) == [
        "The formulas and the simulation agree."
    ]
    (sentence,) = verdict(found(replace(EXPECTED, spreads=Spreads(ttft=replace(near, p99=0.1), tpot=even))))
    assert sentence.startswith("TTFT p99: the formulas say 4.00 times")


def test_json_has_no_word_for_what_is_not_there() -> None:
    """Answers of one token have no time between tokens; JSON says null, and stays JSON."""
    plain = found(requests=stream(output=1)).as_json()
    assert plain["tpot_s"]["mean"] is None
    assert json.loads(json.dumps(plain, allow_nan=False))["requests"] == 1000
