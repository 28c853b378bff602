"""Which prices and zones does the bundled snapshot hold?

`data/prices.csv` keeps one row per price and source, superseded ones included; of rows about the same thing
the one that is known to have held last is used. `data/offerings.csv` says in which zones a type is sold.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pricing.catalog import DATA
from pricing.feed import Offering
from pricing.offer import Payment, Purchase, Zones
from pricing.price import PriceRow
from pricing.table import amount, provenance, read_cell, read_table


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
def offering_rows(folder: Path = DATA) -> tuple[Offering, ...]:
    """Every row of `offerings.csv`, in order. Raises CatalogError where a line has no zone."""
    return read_table(folder / "offerings.csv", _offering)


@cache
def offerings(folder: Path = DATA) -> Zones:
    """Zone ids in which a type is sold, by type and region. Raises CatalogError where a line has no zone."""
    return MappingProxyType({(row.instance_type, row.region): row.zone_ids for row in offering_rows(folder)})


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
        provenance=provenance(cells),
    )


def _offering(cells: Mapping[str, str]) -> Offering:
    zone_ids = tuple(cells["zone_ids"].split())
    if not (cells["instance_type"] and cells["region"] and zone_ids):
        raise ValueError("instance_type, region and zone_ids must be given")
    return Offering(
        instance_type=cells["instance_type"],
        region=cells["region"],
        zone_ids=zone_ids,
        provenance=provenance(cells),
    )
