"""What should a reader know of the prices: where they are from, how old they are, and what could not be had?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from pricing.feed import FEED_OF, Feed, Place
from pricing.known import Knowledge, Known, Origin
from pricing.offer import Offer, Purchase
from pricing.price import PriceRow
from pricing.refresh import Outcome
from pricing.units import MINUTE_S, show_duration
from pricing.wording import listed

Priced = Offer | PriceRow

# A price list with a fault in every line must not bury the plan.
_SHOWN_FINDINGS = 3
_REGION = re.compile(r"\b[a-z]{2,4}(-[a-z]+)+-\d\b")
# How `session.asked` begins; an expired token is one reason, whichever API said so.
_ASKED = re.compile(r"[a-z0-9-]+:[A-Z]\w+ in \S+: ")


def notes_on(
    knowledge: Knowledge, needed: Collection[Place], offers: Collection[Priced], now: datetime
) -> tuple[str, ...]:
    """Sentences on what `offers`, or prices, are based on, each once. `needed` are the places asked for."""
    return tuple(dict.fromkeys(_notes(knowledge, needed, offers, now)))


def _notes(knowledge: Knowledge, needed: Collection[Place], offers: Collection[Priced], now: datetime) -> Iterator[str]:
    priced = [place for place in needed if place[1] in FEED_OF.values()]
    yield from _bases(knowledge, priced, offers, now)
    if knowledge.is_anonymous:
        yield "AWS was not asked: no credentials are found. `berth prices refresh` reads prices without any."
    yield from failures(knowledge.outcomes)
    yield from knowledge.cache_findings
    known = [knowledge.places[place] for place in needed]
    # The bundle never counts as fresh, whatever a clock says.
    kept = [each for each in known if each.origin is not Origin.BUNDLE]
    yield from (_from_the_future(each, now) for each in kept if each.snapshot.is_ahead(now))
    yield from _some([text for each in known for text in each.snapshot.findings])


def failures(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """A sentence for each reason for which something could not be had, with all that it kept from coming."""
    reasons: defaultdict[str, list[Outcome]] = defaultdict(list)
    for each in outcomes:
        if each.failure:
            # The same refusal in three regions is one.
            reasons[_REGION.sub("", _ASKED.sub("", each.failure))].append(each)
    for group in reasons.values():
        subject = " and ".join(map(_named, _alike([each.place for each in group])))
        several = len({_REGION.sub("", each.failure) for each in group}) > 1
        said = [_ASKED.sub("", each.failure) if several else each.failure for each in group]
        # A reason may name one region's host or file, which is no reason for the others.
        like = ", each for a reason like this" if len(set(said)) > 1 else ""
        yield f"{_begun(subject)} could not be had{like}: {said[0].rstrip(' .:')}."


def foreign_currencies(knowledge: Knowledge, needed: Collection[Place]) -> Iterator[str]:
    """A sentence for each region with prices that a plan in USD cannot use: all of them, or those of some types."""
    known = [knowledge.places[place] for place in needed if place[1] in FEED_OF.values()]
    rows = [row for each in known for row in each.snapshot.rows if isinstance(row, PriceRow)]
    in_usd = {row.region for row in rows if row.currency == "USD"}
    foreign: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.currency != "USD":
            foreign[row.region, row.currency].add(row.instance_type)
    for (region, currency), types in sorted(foreign.items()):
        whose = f"{listed(types)} in {region}" if region in in_usd else region
        yield f"Prices of {whose} are known in {currency} only and are left out: plans are in USD."


def _bases(knowledge: Knowledge, priced: Collection[Place], offers: Collection[Priced], now: datetime) -> Iterator[str]:
    groups: defaultdict[str, list[Place]] = defaultdict(list)
    bundled = []
    for place in priced:
        known = knowledge.places[place]
        if known.origin is Origin.BUNDLE:
            bundled.append(place)
        else:
            groups[_basis(known, now)].append(place)
    for basis, places in groups.items():
        yield f"{_begun(_named(places))}: {basis}."
    held = [each for each in offers if (each.region, FEED_OF[each.purchase]) in bundled]
    if held:
        days = [each.provenance.as_of for each in held]
        what = _begun(_named({(each.region, FEED_OF[each.purchase]) for each in held})) if groups else "Prices"
        yield f"{what}: bundled snapshot; the newest held on {max(days)}, the oldest on {min(days)}."
    if any(each.purchase is Purchase.SPOT for each in held):
        yield "Bundled spot prices are indicative only: they move by the hour."


def _basis(known: Known, now: datetime) -> str:
    snapshot = known.snapshot
    if known.origin is Origin.LIVE:
        return f"live, as AWS answered at {snapshot.fetched_at:%Y-%m-%d %H:%M} UTC"
    if snapshot.is_ahead(now):
        return f"cache of {snapshot.fetched_at:%Y-%m-%d %H:%M} UTC"
    # A few seconds say no more than one minute does.
    age = f"cache of {show_duration(max((now - snapshot.fetched_at).total_seconds(), MINUTE_S))} ago"
    return age if snapshot.is_young(now) else f"{age}, for want of newer ones"


def _from_the_future(known: Known, now: datetime) -> str:
    snapshot = known.snapshot
    what = _begun(_named([(snapshot.region, snapshot.feed)]))
    return (
        f"{what} are kept as of {snapshot.fetched_at:%Y-%m-%d %H:%M} UTC, and this machine's clock says "
        f"{now:%Y-%m-%d %H:%M}: one of the two clocks was off, so that they count as old."
    )


def _some(findings: Collection[str]) -> Iterator[str]:
    yield from list(findings)[:_SHOWN_FINDINGS]
    if len(findings) > _SHOWN_FINDINGS:
        yield f"{len(findings) - _SHOWN_FINDINGS} more findings like these; `berth prices refresh` lists them all."


def _alike(places: Collection[Place]) -> list[list[Place]]:
    """The places in groups of feeds that have the same regions, so that feeds and regions can be told apart."""
    regions: defaultdict[Feed, set[str]] = defaultdict(set)
    for region, feed in places:
        regions[feed].add(region)
    groups: defaultdict[tuple[str, ...], list[Place]] = defaultdict(list)
    for feed, where in regions.items():
        groups[tuple(sorted(where))] += [(region, feed) for region in where]
    return list(groups.values())


def _named(places: Collection[Place]) -> str:
    """Feeds and regions as the subject of a sentence."""
    what = listed({feed.named for _, feed in places}, whole=True)
    return f"{what} of {listed({region for region, _ in places})}"


def _begun(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}"
