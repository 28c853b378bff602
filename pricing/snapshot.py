"""What did an API say of a region, when, and how is that kept on disk?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import DecodeError, Meta, Struct
from msgspec.json import decode
from msgspec.structs import asdict
from pydantic_core import to_json

from pricing.feed import YOUNG, Feed, Offering, Row
from pricing.price import Block, ComponentPrice, Interruption, PriceRow, Quota, Reservation
from pricing.records import no_numbers

# Of what is kept on disk; another one is not read.
FORMAT: Literal[1] = 1
# Clocks of two machines that share a disk differ by seconds, and a refresh takes a minute: no clock that is off.
_CLOCK = timedelta(minutes=5)
_ROWS: dict[Feed, type[Row]] = {
    Feed.CAPACITY_BLOCKS: Block,
    Feed.INTERRUPTIONS: Interruption,
    Feed.OFFERINGS: Offering,
    Feed.QUOTAS: Quota,
    Feed.CLUSTER_QUOTAS: Quota,
    Feed.COMPONENTS: ComponentPrice,
    Feed.RESERVATIONS: Reservation,
}
AnyRow = TypeVar("AnyRow", bound=Row)


class _Kept(Struct, Generic[AnyRow], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A snapshot on disk."""

    format: Literal[1]  # FORMAT
    feed: Feed
    region: str
    fetched_at: Annotated[datetime, Meta(tz=True)]
    findings: tuple[str, ...]
    rows: tuple[AnyRow, ...]


class Snapshot(Struct, frozen=True, kw_only=True):
    """A feed of a region as it was at `fetched_at` (UTC). `findings` are sentences on what was left out of `rows`."""

    feed: Feed
    region: str
    fetched_at: datetime
    rows: tuple[Row, ...]
    findings: tuple[str, ...] = ()

    def is_ahead(self, now: datetime) -> bool:
        """Whether it seems to come from the future: a clock is off, or was."""
        return self.fetched_at > now + _CLOCK

    def is_young(self, now: datetime) -> bool:
        """Whether it may be used without asking again."""
        return not self.is_ahead(now) and now - self.fetched_at <= YOUNG[self.feed]


def snapshot_json(snapshot: Snapshot) -> str:
    """The snapshot as it stands on disk."""
    kept: _Kept[Row] = _Kept(
        format=FORMAT,
        feed=snapshot.feed,
        region=snapshot.region,
        fetched_at=snapshot.fetched_at,
        findings=snapshot.findings,
        rows=snapshot.rows,
    )
    return to_json(kept, fallback=asdict).decode()


def read_snapshot(text: str, feed: Feed, region: str) -> Snapshot | None:
    """The snapshot of that feed and region in a text; None where it is cut short, of another format or of another."""
    try:
        kept: _Kept[Any] = decode(text, type=_Kept[_ROWS.get(feed, PriceRow)])  # type: ignore[misc]
    except (DecodeError, RecursionError):
        return None
    if (kept.feed, kept.region) != (feed, region) or not all(_is_as_written(row, region) for row in kept.rows):
        return None
    return Snapshot(feed=feed, region=region, fetched_at=kept.fetched_at, rows=kept.rows, findings=kept.findings)


def _is_as_written(row: Row, region: str) -> bool:
    if row.region != region or any(no_numbers(row)):
        return False
    # A price of zero would win every comparison.
    return not isinstance(row, PriceRow) or row.price_per_hour_per_node > 0
