"""What does the bundle know of each feed?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path

from pricing.bundle_components import load_components
from pricing.bundle_interruptions import load_interruptions
from pricing.bundle_prices import load_sagemaker_prices, offering_rows, price_rows
from pricing.catalog import DATA
from pricing.feed import FEED_OF, Feed, Offering, Place, Row
from pricing.price import ComponentPrice, Interruption, PriceRow
from pricing.snapshot import Snapshot

_DATED = PriceRow | Interruption | Offering | ComponentPrice
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def bundled(place: Place, folder: Path = DATA) -> Snapshot:
    """A feed of a region as the bundle has it: as of the day on which its newest row held. Raises CatalogError.

    Superseded rows are among them; quotas, which are an account's own, never are.
    """
    region, feed = place
    rows = _rows(folder).get(place, ())
    days = [row.provenance.as_of for row in rows if isinstance(row, _DATED)]
    fetched_at = datetime.combine(max(days), time(), UTC) if days else _LONG_AGO
    return Snapshot(feed=feed, region=region, fetched_at=fetched_at, rows=rows)


@cache
def _rows(folder: Path) -> Mapping[Place, tuple[Row, ...]]:
    rows: defaultdict[Place, list[Row]] = defaultdict(list)
    for price in price_rows(folder):
        rows[price.region, FEED_OF[price.purchase]].append(price)
    others: tuple[tuple[Feed, Iterable[Row]], ...] = (
        (Feed.INTERRUPTIONS, load_interruptions(folder)),
        (Feed.OFFERINGS, offering_rows(folder)),
        (Feed.SAGEMAKER, load_sagemaker_prices(folder)),
        (Feed.COMPONENTS, load_components(folder)),
    )
    for feed, every in others:
        for row in every:
            rows[row.region, feed].append(row)
    return {place: tuple(found) for place, found in rows.items()}
