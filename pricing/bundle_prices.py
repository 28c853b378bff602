"""Which prices and zones does the bundled snapshot hold?

`data/prices.csv` keeps one row per price and source, superseded ones included; of rows about the same thing
the one that is known to have held last is used. `data/offerings.csv` says in which zones a type is sold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pricing.catalog import DATA
from pricing.errors import CatalogError
from pricing.offer import Offer, Payment, Provenance, Purchase
from pricing.price import PriceRow
from pricing.table import amount, lines, read_cell, read_table

Zones = Mapping[tuple[str, str], tuple[str, ...]]
"""Zone ids by instance type and region."""


def load_offers(regions: Collection[str] | None = None, folder: Path = DATA) -> tuple[Offer, ...]:
    """Every Linux price in USD, the newest of each, in some regions or all. Raises CatalogError.

    A spot offer carries its own zone, or none where only the lowest price of the region was recorded; any
    other offer carries the zones in which the type is sold.
    """
    usable = [
        row
        for row in price_rows(folder)
        if row.currency == "USD" and row.operating_system == "linux" and (regions is None or row.region in regions)
    ]
    zones = offerings(folder)
    return tuple(_offer(row, zones) for row in _newest(usable))


@cache
def price_rows(folder: Path = DATA) -> tuple[PriceRow, ...]:
    """Every row of `prices.csv`, in order. Raises CatalogError naming each faulty line and column."""
    return read_table(folder / "prices.csv", price_row)


@cache
def load_sagemaker_prices(folder: Path = DATA) -> tuple[PriceRow, ...]:
    """Every price of an `ml.` instance, in order; its source names SageMaker's component, where that is known.

    Raises CatalogError naming each faulty line and column.
    """
    return read_table(folder / "sagemaker_prices.csv", price_row)


@cache
def offerings(folder: Path = DATA) -> Zones:
    """Zone ids in which a type is sold, by type and region. Raises CatalogError where a line has no zone."""
    zones = {}
    for line, cells in lines(folder / "offerings.csv"):
        ids = tuple((cells.get("zone_ids") or "").split())
        if not (cells.get("instance_type") and cells.get("region") and ids):
            raise CatalogError(f"offerings.csv, line {line}: instance_type, region and zone_ids must be given.")
        zones[cells["instance_type"], cells["region"]] = ids
    return MappingProxyType(zones)


def price_row(cells: Mapping[str, str]) -> PriceRow:
    """The price that a line of a table of prices states. Raises ValueError naming the column that makes no sense."""
    return PriceRow(
        instance_type=cells["instance_type"],
        region=cells["region"],
        purchase=read_cell(cells, "purchase", Purchase),
        payment=read_cell(cells, "payment", Payment),
        price_per_hour_per_node=read_cell(cells, "price_per_hour_per_node", amount),
        currency=cells["currency"],
        operating_system=cells["operating_system"],
        zone_id=cells["zone_id"],
        provenance=_provenance(cells["source"], read_cell(cells, "as_of", date.fromisoformat)),
    )


@cache
def _provenance(source: str, as_of: date) -> Provenance:
    return Provenance(source=source, as_of=as_of)


def _newest(rows: Iterable[PriceRow]) -> Iterable[PriceRow]:
    newest: dict[tuple[str, ...], PriceRow] = {}
    for row in rows:
        known = newest.get(row.subject)
        if known is None or row.provenance.as_of > known.provenance.as_of:
            newest[row.subject] = row
    return newest.values()


def _offer(row: PriceRow, zones: Zones) -> Offer:
    own = (row.zone_id,) if row.zone_id else ()
    return Offer(
        instance_type=row.instance_type,
        region=row.region,
        purchase=row.purchase,
        usd_per_hour_per_node=row.price_per_hour_per_node,
        zone_ids=own if row.purchase is Purchase.SPOT else zones.get((row.instance_type, row.region), ()),
        provenance=row.provenance,
    )
