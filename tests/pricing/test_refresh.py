"""Does each feed come whole or fail alone, with a sentence?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event

import pytest

from pricing.cache import read_cache
from pricing.errors import MarketError
from pricing.feed import Answer, Feed
from pricing.refresh import Outcome, keep, refresh
from tests.pricing.snapshots import NOW, REGION, ROWS, snapshot

PLACES = [(region, feed) for region in (REGION, "us-west-2") for feed in (Feed.PRICES, Feed.SPOT)]
BROKEN = (REGION, Feed.SPOT)


def answers(feed: Feed, region: str, now: datetime) -> Answer:
    """An AWS in order."""
    return Answer(rows=(ROWS[feed],), findings=("A finding.",))


def fails(error: Exception) -> Callable[[Feed, str, datetime], Answer]:
    """An AWS of which one feed is out of order."""

    def fetch(feed: Feed, region: str, now: datetime) -> Answer:
        if (region, feed) == BROKEN:
            raise error
        return answers(feed, region, now)

    return fetch


def test_every_place_has_an_outcome_in_order() -> None:
    """What came is a snapshot of now, with what the source said badly."""
    outcomes = refresh(PLACES, answers, NOW)
    assert [each.place for each in outcomes] == PLACES
    assert outcomes[0].snapshot == snapshot(findings=("A finding.",))
    assert not any(each.failure for each in outcomes)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MarketError("No right."), "No right"),
        (MarketError(["No right.", "No file."]), "No right; No file"),
        (KeyError("PriceList"), "the answer is not understood (KeyError: 'PriceList')"),
    ],
)
def test_a_failure_stays_alone(error: Exception, sentence: str) -> None:
    """One feed that fails says why, whatever went wrong, and leaves the others."""
    outcomes = refresh(PLACES, fails(error), NOW)
    assert [(each.place, each.failure) for each in outcomes if each.failure] == [(BROKEN, sentence)]
    assert all(each.snapshot for each in outcomes if each.place != BROKEN)


@pytest.mark.parametrize("feed", Feed)
def test_an_empty_answer_is_none(feed: Feed) -> None:
    """A list without a price is a fault; but there may be no block on offer, no interruption and no HyperPod."""
    (outcome,) = refresh([(REGION, feed)], lambda *_: Answer(rows=()), NOW)
    may_be = feed in (Feed.CAPACITY_BLOCKS, Feed.INTERRUPTIONS, Feed.CLUSTER_QUOTAS, Feed.RESERVATIONS)
    assert (outcome.snapshot is not None, outcome.failure) == (may_be, "" if may_be else "the answer is empty")


def test_what_comes_too_late_has_failed() -> None:
    """After the time given the rest is a failure, which says how to wait for it."""
    never = Event()

    def fetch(feed: Feed, region: str, now: datetime) -> Answer:
        never.wait()
        return answers(feed, region, now)

    outcomes = refresh(PLACES, fetch, NOW, patience_s=0.0)
    never.set()
    assert {each.failure for each in outcomes} == {"no answer came within 0 s; `berth prices refresh` waits for it"}


def test_what_came_is_kept_and_what_failed_keeps_its_place() -> None:
    """The cache has the new answers, and of the feed that failed what it had."""
    keep([Outcome(place=(REGION, Feed.SPOT), snapshot=snapshot(Feed.SPOT))])
    assert keep(refresh(PLACES[:2], fails(MarketError("No.")), NOW)) == ()
    assert read_cache(Feed.PRICES, REGION) == snapshot(findings=("A finding.",))
    assert read_cache(Feed.SPOT, REGION) == snapshot(Feed.SPOT)


def test_what_cannot_be_kept_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without room is one sentence, however many feeds came."""
    monkeypatch.setenv("BERTH_CACHE_DIR", "/dev/null/berth")
    (sentence,) = keep(refresh(PLACES, answers, NOW))
    assert sentence.startswith("What AWS answered cannot be kept in /dev/null/berth (")


def test_an_outcome_is_named() -> None:
    """Whoever watches reads what came."""
    assert str(Outcome(place=BROKEN)) == "spot prices of us-east-1"
