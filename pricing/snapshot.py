"""What did an API say of a region, when, and how is that kept on disk?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, model_validator

from pricing.feed import YOUNG, Feed, Offering, Row
from pricing.price import Block, ComponentPrice, Interruption, PriceRow, Quota, Reservation

# Of what is kept on disk; another one is not read.
FORMAT = 1
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
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
    kept = _kept(snapshot.feed).model_construct(
        format=FORMAT,
        feed=snapshot.feed,
        region=snapshot.region,
        fetched_at=snapshot.fetched_at,
        findings=snapshot.findings,
        rows=snapshot.rows,
    )
    return kept.model_dump_json()


def read_snapshot(text: str, feed: Feed, region: str) -> Snapshot | None:
    """The snapshot of that feed and region in a text; None where it is cut short, of another format or of another."""
    try:
        kept = _kept(feed).model_validate_json(text)
    except ValidationError:
        return None
    if (kept.feed, kept.region) != (feed, region):
        return None
    return Snapshot(feed=feed, region=region, fetched_at=kept.fetched_at, rows=kept.rows, findings=kept.findings)


class _Kept(BaseModel, Generic[AnyRow]):
    """A snapshot on disk."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]  # FORMAT
    feed: Feed
    region: str
    fetched_at: AwareDatetime
    findings: tuple[str, ...]
    rows: tuple[AnyRow, ...]

    @model_validator(mode="after")
    def _is_as_it_was_written(self) -> _Kept[AnyRow]:
        if any(row.region != self.region for row in self.rows):
            raise ValueError("a row of another region")
        # A price of zero would win every comparison.
        if any(isinstance(row, PriceRow) and row.price_per_hour_per_node <= 0 for row in self.rows):
            raise ValueError("a price that is none")
        return self


@cache
def _kept(feed: Feed) -> type[_Kept[Any]]:
    kept: type[_Kept[Any]] = _Kept.__class_getitem__(_ROWS.get(feed, PriceRow))  # type: ignore[assignment]
    return kept
