"""Does a snapshot come back from its text as it was, or not at all?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from pricing.feed import YOUNG, Feed
from pricing.snapshot import read_snapshot, snapshot_json
from tests.pricing.snapshots import NOW, REGION, ROWS, snapshot

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("feed", Feed)
def test_every_feed_reads_back(feed: Feed) -> None:
    """Rows of every kind come back equal, figures to the last digit."""
    found = snapshot(feed, findings=("A finding.", "Another."))
    assert read_snapshot(snapshot_json(found), feed, REGION) == found


@pytest.mark.parametrize("feed", Feed)
def test_a_part_is_nothing(feed: Feed) -> None:
    """A text that is cut anywhere holds no snapshot."""
    text = snapshot_json(snapshot(feed, ROWS[feed], ROWS[feed]))
    assert [end for end in range(len(text)) if read_snapshot(text[:end], feed, REGION)] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": None},
        {"feed": "spot"},
        {"region": "us-east-2"},
        {"fetched_at": "2026-11-23T12:00:00"},
        {"fetched_at": "yesterday"},
        {"rows": None},
        {"rows": [{}]},
        {"more": 1},
    ],
    ids=str,
)
def test_another_format_is_nothing(changes: dict[str, Any]) -> None:
    """What another Berth wrote, or a hand changed, is not taken for prices."""
    text = json.dumps(json.loads(snapshot_json(snapshot())) | changes)
    assert read_snapshot(text, Feed.PRICES, REGION) is None


@pytest.mark.parametrize(
    "cells",
    [
        {"price_per_hour_per_node": "0.0000000000"},
        {"price_per_hour_per_node": "-1"},
        {"price_per_hour_per_node": "NaN"},
        {"region": "us-west-2"},
        {"purchase": "lease"},
    ],
    ids=str,
)
def test_a_row_that_is_no_price_of_the_region_spoils_all(cells: dict[str, str]) -> None:
    """A price of zero would win every comparison, and one of another region would be a lie."""
    whole = json.loads(snapshot_json(snapshot()))
    whole["rows"][0] |= cells
    assert read_snapshot(json.dumps(whole), Feed.PRICES, REGION) is None


@pytest.mark.parametrize("feed", Feed)
def test_youth_ends(feed: Feed) -> None:
    """A feed may be used without asking until its time has passed, and not a second longer."""
    assert snapshot(feed, age=YOUNG[feed]).is_young(NOW)
    assert not snapshot(feed, age=YOUNG[feed] + timedelta(seconds=1)).is_young(NOW)


@pytest.mark.parametrize(("ahead", "young"), [(timedelta(minutes=5), True), (timedelta(minutes=6), False)])
def test_the_future_is_not_young(ahead: timedelta, young: bool) -> None:
    """What seems to come from tomorrow tells of a wrong clock; seconds between two machines do not."""
    found = snapshot(age=-ahead)
    assert (found.is_young(NOW), found.is_ahead(NOW)) == (young, not young)
