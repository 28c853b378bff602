"""How does the planned fleet answer a stream of requests, and is that what the formulas said?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import numpy as np
from msgspec import Struct

from planner.replica_clock import StepTable
from planner.simulation import Floats, Replay, Requests, replay
from planner.spread import QUANTILES, Spread, Spreads
from pricing.records import plain, replace

# How far a formula's mean may be from the simulated one; both have the same steps, so what differs is queueing and
# how many requests a replica has at once, which formulas know on average only.
TPOT_TOLERANCES = {"mean": 0.15, "p50": 0.15, "p95": 0.15, "p99": 0.20}
TTFT_TOLERANCES = {"mean": 0.20, "p50": 0.20, "p95": 0.25, "p99": 0.30}
RATE_TOLERANCE = 0.05
# Drawn arrivals meet an empty fleet at first, which no load is like.
WARM_UP_SHARE = 0.1
# What the time to the first token is called where there is none.
TO_EMBEDDING = "embedding"


class Expected(Struct, frozen=True, kw_only=True):
    """What the formulas say of a stream's mean load (planner.serving_modes). Seconds, tokens/s.

    `delay_s` is what a request takes in engine and network beyond its steps, which no queue explains;
    `spreads` has the percentiles, where they are known.
    """

    ttft_s: float
    tpot_s: float
    output_tokens_per_s: float
    delay_s: float
    spreads: Spreads | None = None


class Compared(Struct, frozen=True, kw_only=True):
    """A figure of the formulas beside the simulated one, and how far they may be apart."""

    name: str
    unit: str
    analytic: float
    simulated: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """The analytic figure over the simulated one."""
        return self.analytic / self.simulated if self.simulated else float("nan")

    @property
    def agrees(self) -> bool:
        """Whether the two are as near as they should be."""
        return abs(self.ratio - 1) <= self.tolerance


class Simulated(Struct, frozen=True, kw_only=True):
    """What a fleet's users and its owner would have seen. Seconds, tokens; shares from 0 to 1.

    `tpot_s` is over requests of more than one token. `utilisation` is the time in which a replica has work,
    `sequences` how many requests a replica works on on average, `cache_share` and `peak_cache_share` how full its
    cache is. `left_out` requests at the start are in no distribution. Of embeddings (`embeds`) `ttft_s` is the time to
    the embedding, and each counts as one token.
    """

    requests: int
    left_out: int
    span_s: float
    ttft_s: Spread
    tpot_s: Spread
    request_s: Spread
    requests_per_s: float
    input_tokens_per_s: float
    output_tokens_per_s: float
    replicas: int
    utilisation: float
    sequences: float
    largest_batch: int
    cache_share: float
    peak_cache_share: float
    preemptions: int
    compared: tuple[Compared, ...]
    embeds: bool = False

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data, with the verdict on each comparison."""
        compared = [{**plain(each), "ratio": each.ratio, "agrees": each.agrees} for each in self.compared]
        known: dict[str, Any] = _known({**plain(self), "compared": compared, "verdict": list(verdict(self))})
        return known


def simulated(
    requests: Requests,
    table: StepTable,
    replicas: int,
    expected: Expected,
    *,
    warm_up: bool,
    embeds: bool = False,
    replayed: Replay | None = None,
) -> Simulated:
    """Replays requests through so many replicas, unless it is done, and holds them against what is expected.

    `warm_up` leaves the first requests out.
    """
    run, request_s = replayed or replay(requests, table, replicas), expected.delay_s
    skipped = int(WARM_UP_SHARE * len(requests)) if warm_up else 0
    kept = slice(skipped, None)
    at, first, last = (times[kept] for times in (run.at_s, run.first_s, run.last_s))
    given, made = requests.input_tokens[kept], requests.output_tokens[kept]
    # From the first arrival that counts to the last, so that neither filling nor emptying is part of the rate.
    span = float(at[-1] - at[0]) if requests.clients is None else run.end_s - float(at[0])
    span = span or run.end_s
    more = made > 1
    tpot = (last - first)[more] / (made[more] - 1)
    whole = run.end_s * replicas
    figures = Simulated(
        requests=len(requests),
        left_out=skipped,
        span_s=span,
        ttft_s=_spread(request_s + first - at),
        tpot_s=_spread(tpot),
        request_s=_spread(request_s + last - at),
        requests_per_s=len(made) / span,
        input_tokens_per_s=float(given.sum()) / span,
        output_tokens_per_s=float(made.sum()) / span,
        replicas=replicas,
        utilisation=run.busy_s / whole,
        sequences=run.batch_s / whole,
        largest_batch=table.batch,
        cache_share=run.held_s / whole / table.cache_tokens,
        peak_cache_share=run.peak_held_tokens / table.cache_tokens,
        preemptions=run.preemptions,
        compared=(),
        embeds=embeds,
    )
    return replace(figures, compared=tuple(_compared(figures, expected)))


def verdict(found: Simulated) -> Iterator[str]:
    """What the comparison means, in sentences."""
    apart = [each for each in found.compared if not each.agrees]
    if not apart:
        yield "The formulas and the simulation agree."
        return
    for each in apart:
        yield (
            f"{each.name}: the formulas say {each.ratio:.2f} times what the simulation does, more than "
            f"{each.tolerance:.0%} apart. Trust the simulation: {_why(each.name)}."
        )


def _why(name: str) -> str:
    if name.startswith(("TTFT", TO_EMBEDDING)):
        return "it lets requests wait for each other and for a place on a replica, where the formula has a mean queue"
    if name.startswith("TPOT"):
        return "it has the batch of each moment, where the formula holds that of the planned load"
    return "it counts what came, where the formula holds the planned load"


def _compared(found: Simulated, expected: Expected) -> Iterator[Compared]:
    yield Compared(
        name=TO_EMBEDDING if found.embeds else "TTFT",
        unit="s",
        analytic=expected.ttft_s,
        simulated=found.ttft_s.mean,
        tolerance=TTFT_TOLERANCES["mean"],
    )
    if expected.spreads:
        yield from _percentiles("TTFT", expected.spreads.ttft, found.ttft_s, TTFT_TOLERANCES)
    if not found.embeds:
        tolerance = TPOT_TOLERANCES["mean"]
        yield Compared(
            name="TPOT", unit="s", analytic=expected.tpot_s, simulated=found.tpot_s.mean, tolerance=tolerance
        )
    if expected.spreads:
        yield from _percentiles("TPOT", expected.spreads.tpot, found.tpot_s, TPOT_TOLERANCES)
    yield Compared(
        name="requests" if found.embeds else "output rate",
        unit="requests/s" if found.embeds else "tokens/s",
        analytic=expected.output_tokens_per_s,
        simulated=found.output_tokens_per_s,
        tolerance=RATE_TOLERANCE,
    )


def _percentiles(name: str, formulas: Spread, replayed: Spread, tolerances: Mapping[str, float]) -> Iterator[Compared]:
    for figure in QUANTILES:
        analytic, seen = getattr(formulas, figure), getattr(replayed, figure)
        tolerance = tolerances[figure]
        yield Compared(name=f"{name} {figure}", unit="s", analytic=analytic, simulated=seen, tolerance=tolerance)


def _known(value: Any) -> Any:
    """Plain data with None for what is no number, which JSON has no word for."""
    if isinstance(value, dict):
        return {name: _known(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_known(held) for held in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _spread(seconds: Floats) -> Spread:
    if not len(seconds):
        return Spread(mean=float("nan"), p50=float("nan"), p95=float("nan"), p99=float("nan"))
    p50, p95, p99 = (float(each) for each in np.percentile(seconds, (50, 95, 99)))
    return Spread(mean=float(seconds.mean()), p50=p50, p95=p95, p99=p99)
