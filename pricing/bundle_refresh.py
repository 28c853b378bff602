"""How is the bundle written anew from what AWS says now?"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from pathlib import Path

from msgspec import Struct

from pricing.catalog import DATA
from pricing.editions import Cells, Merged, Table, merged
from pricing.errors import MarketError
from pricing.feed import Feed, Offering, Row
from pricing.feeds import fetch_or_read_file
from pricing.files import write_whole
from pricing.notes import failures
from pricing.offer import Provenance
from pricing.parallel import Watch
from pricing.price import ComponentPrice, Interruption, PriceRow
from pricing.refresh import Outcome, refresh
from pricing.table import lines

_PRICES = Table(
    name="prices.csv",
    subject=("instance_type", "region", "purchase", "payment", "operating_system", "zone_id"),
    said=("price_per_hour_per_node", "currency"),
)
# What everybody may know: no quotas, and no blocks, which another account may not be offered.
_TABLES: dict[Feed, Table] = {
    Feed.PRICES: _PRICES,
    Feed.SPOT: _PRICES,
    Feed.SAVINGS_PLANS: _PRICES,
    Feed.SAGEMAKER: Table(name="sagemaker_prices.csv", subject=_PRICES.subject, said=_PRICES.said),
    Feed.OFFERINGS: Table(
        name="offerings.csv", subject=("instance_type", "region"), said=("zone_ids",), has_history=False
    ),
    Feed.INTERRUPTIONS: Table(
        name="interruptions.csv", subject=("instance_type", "region"), said=("low", "high"), has_history=False
    ),
    Feed.COMPONENTS: Table(
        name="component_prices.csv", subject=("component", "region"), said=("price", "currency"), band="starts_at"
    ),
}


class Rewritten(Struct, frozen=True, kw_only=True):
    """A table that was written anew, from one or several feeds."""

    path: Path
    parts: tuple[Merged, ...]


def rewrite_bundle(
    regions: Sequence[str], now: datetime, watch: Watch | None = None, folder: Path = DATA
) -> tuple[tuple[Rewritten, ...], tuple[str, ...]]:
    """Asks AWS for all that the bundle holds of some regions, and writes what came into its tables.

    Returns the tables written, and sentences on what could not be had. Raises MarketError, and has written nothing,
    where nothing came; or where a table cannot be written.
    """
    places = [(region, feed) for feed in _TABLES for region in regions]
    outcomes = refresh(places, fetch_or_read_file, now, watch=watch)
    findings = (*failures(outcomes), *(text for each in outcomes if each.snapshot for text in each.snapshot.findings))
    if not any(each.snapshot and each.snapshot.rows for each in outcomes):
        raise MarketError([*findings, "Nothing came from AWS, and nothing was written."])
    # All is read before anything is written.
    written = [_rewritten(folder, table, outcomes) for table in dict.fromkeys(_TABLES.values())]
    for each in written:
        _write(each)
    return tuple(each for each in written if each.parts), tuple(dict.fromkeys(findings))


def _rewritten(folder: Path, table: Table, outcomes: Sequence[Outcome]) -> Rewritten:
    path = folder / table.name
    rows: Iterable[Cells] = (cells for _, cells in lines(path))
    parts: list[Merged] = []
    for feed in Feed:
        fresh = [
            _cells(row)
            for each in outcomes
            if each.snapshot and each.snapshot.feed is feed and _TABLES[feed] == table
            for row in each.snapshot.rows
        ]
        if fresh:
            parts.append(merged(table, rows, fresh))
            rows = parts[-1].rows
    return Rewritten(path=path, parts=tuple(parts))


def _write(rewritten: Rewritten) -> None:
    if not rewritten.parts:
        return
    rows = rewritten.parts[-1].rows
    page = StringIO(newline="")
    writer = csv.DictWriter(page, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        write_whole(rewritten.path, page.getvalue())
    except OSError as error:
        raise MarketError(f"{rewritten.path} cannot be written: {error.strerror}.") from None


def _cells(row: Row) -> Cells:
    """A row as it stands in its table, columns in order."""
    match row:
        case PriceRow():
            said = {
                "instance_type": row.instance_type,
                "region": row.region,
                "purchase": row.purchase,
                "payment": row.payment,
                "price_per_hour_per_node": f"{row.price_per_hour_per_node:f}",
                "currency": row.currency,
                "operating_system": row.operating_system,
                "zone_id": row.zone_id,
            }
        case Offering():
            said = {"instance_type": row.instance_type, "region": row.region, "zone_ids": " ".join(row.zone_ids)}
        case Interruption():
            shares = {name: f"{share:.2f}" if share else "0" for name, share in (("low", row.low), ("high", row.high))}
            said = {"instance_type": row.instance_type, "region": row.region, **shares}
        case ComponentPrice():
            said = {
                "component": row.component,
                "region": row.region,
                "price": f"{row.price:f}",
                "currency": row.currency,
                "starts_at": f"{row.starts_at:f}",
            }
        case _:
            raise TypeError(f"{type(row).__name__} has no table")
    return {**said, "as_of": str(row.provenance.as_of), "source": _source(row.provenance)}


def _source(provenance: Provenance) -> str:
    since = f", in force since {provenance.effective}" if provenance.effective else ""
    return f"{provenance.source}{since}"
