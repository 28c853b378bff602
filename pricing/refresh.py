"""What does AWS say now, asked for many feeds and regions at once?

Each feed comes whole or fails with a sentence, and no failure touches another feed or what was known before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from pricing.cache import write_cache
from pricing.errors import MarketError
from pricing.feed import MAY_BE_EMPTY, Answer, Feed, Place
from pricing.parallel import Watch, in_parallel
from pricing.snapshot import Snapshot

Fetch = Callable[[Feed, str, datetime], Answer]
"""Asks AWS for a feed of a region. Raises MarketError where it does not come whole."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one feed: its snapshot, or the sentence that says why there is none."""

    place: Place
    snapshot: Snapshot | None = None
    failure: str = ""

    def __str__(self) -> str:
        region, feed = self.place
        return f"{feed.named} of {region}"


def refresh(
    places: Sequence[Place],
    fetch: Fetch,
    now: datetime,
    *,
    patience_s: float | None = None,
    watch: Watch | None = None,
) -> tuple[Outcome, ...]:
    """An outcome for each place, in their order; what has not come after `patience_s` seconds has failed."""
    arriving = in_parallel(places, lambda place: _outcome(place, fetch, now), patience_s=patience_s, watch=watch)
    found = {each.place: each for each in arriving}
    late = f"no answer came within {patience_s or 0:g} s; `berth prices refresh` waits for it"
    return tuple(found.get(place) or Outcome(place=place, failure=late) for place in places)


def keep(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Writes what came into the cache; returns sentences on what could not be kept."""
    findings: list[str] = []
    for outcome in outcomes:
        if outcome.snapshot:
            try:
                write_cache(outcome.snapshot)
            except MarketError as error:
                findings += error.findings
    return tuple(dict.fromkeys(findings))


def _outcome(place: Place, fetch: Fetch, now: datetime) -> Outcome:
    region, feed = place
    try:
        answer = fetch(feed, region, now)
    except MarketError as error:
        return Outcome(place=place, failure="; ".join(text.rstrip(".") for text in error.findings))
    except Exception as error:
        # Whatever an API answers, the plan comes: what no reader understands is a failure like any other.
        return Outcome(place=place, failure=f"the answer is not understood ({type(error).__name__}: {error})")
    if not answer.rows and feed not in MAY_BE_EMPTY:
        return Outcome(place=place, failure="the answer is empty")
    snapshot = Snapshot(feed=feed, region=region, fetched_at=now, rows=answer.rows, findings=answer.findings)
    return Outcome(place=place, snapshot=snapshot)
