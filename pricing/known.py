"""What is known of the feeds that a plan needs, and by whose word?

Of each feed the newest whole answer counts: what AWS says now, what it said when it was asked last, or the bundle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from pricing.account import may_have_credentials
from pricing.basis import Prices
from pricing.bundle import bundled
from pricing.cache import read_cache
from pricing.catalog import DATA
from pricing.errors import MarketError
from pricing.feed import Place
from pricing.parallel import Watch
from pricing.refresh import Outcome, keep, refresh
from pricing.snapshot import Snapshot

# A plan must not be slowed by more than two seconds where there is no network; the rest is for threads and caches.
PATIENCE_S = 1.5
# Who asks for live prices waits: half a minute for components, a request after the other, and as much for bad luck.
LIVE_PATIENCE_S = 60.0


class Origin(StrEnum):
    """By whose word something is known."""

    LIVE = "live"
    CACHE = "cache"
    BUNDLE = "bundle"


class Known(Struct, frozen=True, kw_only=True):
    """The newest whole answer about a feed of a region, and where it comes from."""

    snapshot: Snapshot
    origin: Origin


class Knowledge(Struct, frozen=True, kw_only=True):
    """What is known of each place, what became of those that AWS was asked about, and what is wrong with the cache.

    `is_anonymous`: AWS should have been asked, and there are no credentials.
    """

    places: Mapping[Place, Known]
    outcomes: tuple[Outcome, ...] = ()
    cache_findings: tuple[str, ...] = ()
    is_anonymous: bool = False


def know(
    needed: Collection[Place],
    welcome: Collection[Place],
    prices: Prices,
    now: datetime,
    *,
    watch: Watch | None = None,
    folder: Path = DATA,
) -> Knowledge:
    """What is known of places that are needed, for which AWS may be asked, and of those that are only welcome.

    `watch` is shown what AWS is asked. Nothing that goes wrong on the way is an error: there is always the bundle.
    """
    places = dict.fromkeys((*needed, *welcome))
    if prices is Prices.BUNDLED:
        return Knowledge(places={place: _bundle(place, folder) for place in places})
    cached, findings = _cached(places)
    asked = _to_ask(needed, cached, prices, now)
    anonymous = bool(asked) and not may_have_credentials()
    outcomes = () if anonymous else _ask(asked, prices, now, watch)
    findings += keep(outcomes)
    live = {each.place: each.snapshot for each in outcomes if each.snapshot}
    return Knowledge(
        places={place: _best(place, live, cached, folder) for place in places},
        outcomes=outcomes,
        cache_findings=tuple(findings),
        # Who has no account expects nothing else, unless asking is just what was wanted.
        is_anonymous=anonymous and prices is Prices.LIVE,
    )


def _cached(places: Iterable[Place]) -> tuple[dict[Place, Snapshot], list[str]]:
    found: dict[Place, Snapshot] = {}
    findings: list[str] = []
    for region, feed in places:
        try:
            snapshot = read_cache(feed, region)
        except MarketError as error:
            findings += error.findings
        else:
            if snapshot:
                found[region, feed] = snapshot
    return found, findings


def _to_ask(needed: Iterable[Place], cached: Mapping[Place, Snapshot], prices: Prices, now: datetime) -> list[Place]:
    if prices is Prices.LIVE:
        return list(needed)
    if prices is Prices.AUTO:
        return [place for place in needed if place not in cached or not cached[place].is_young(now)]
    return []


def _ask(places: list[Place], prices: Prices, now: datetime, watch: Watch | None) -> tuple[Outcome, ...]:
    if not places:
        return ()
    # Most plans find what they need in the cache or the bundle.
    from pricing import feeds

    if prices is Prices.LIVE:
        return refresh(places, feeds.fetch, now, patience_s=LIVE_PATIENCE_S, watch=watch)
    outcomes = refresh(places, feeds.fetch, now, patience_s=PATIENCE_S, watch=watch)
    # A file without credentials in it is found only by looking, and nobody needs to hear of it.
    return tuple(each for each in outcomes if each.failure != feeds.NO_CREDENTIALS)


def _best(place: Place, live: Mapping[Place, Snapshot], cached: Mapping[Place, Snapshot], folder: Path) -> Known:
    if place in live:
        return Known(snapshot=live[place], origin=Origin.LIVE)
    bundle = _bundle(place, folder)
    kept = cached.get(place)
    if kept and kept.fetched_at >= bundle.snapshot.fetched_at:
        return Known(snapshot=kept, origin=Origin.CACHE)
    return bundle


def _bundle(place: Place, folder: Path) -> Known:
    return Known(snapshot=bundled(place, folder), origin=Origin.BUNDLE)
