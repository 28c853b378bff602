"""What does the bundled snapshot say of prices beside the instances'?

`data/component_prices.csv` keeps one row per component, region, band and source; of rows about the same thing the
one that is known to have held last is used. A component without a row is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from pricing.catalog import DATA
from pricing.price import Component, ComponentPrice
from pricing.table import amount, provenance, read_cell, read_table


@cache
def load_components(folder: Path = DATA) -> tuple[ComponentPrice, ...]:
    """The newest price of every component in every region, in its own currency, by component, region and band.

    Bands of one component come from one source and day: halves are never mixed. Raises CatalogError naming each
    faulty line and column.
    """
    return tuple(newest(component_rows(folder)))


@cache
def component_rows(folder: Path = DATA) -> tuple[ComponentPrice, ...]:
    """Every row of `component_prices.csv`, in order, superseded ones included. Raises CatalogError."""
    return read_table(folder / "component_prices.csv", _row)


def newest(rows: Iterable[ComponentPrice]) -> list[ComponentPrice]:
    """Of each component in each region the rows of the last day and, of several sources, of one."""
    by_band = attrgetter("starts_at")
    kept = []
    for _, group in groupby(sorted(rows, key=_subject), key=_subject):
        rivals = list(group)
        last = max(rivals, key=lambda row: (row.provenance.as_of, row.provenance.source)).provenance
        kept += sorted((row for row in rivals if row.provenance == last), key=by_band)
    return kept


def _subject(row: ComponentPrice) -> tuple[str, str]:
    return row.component, row.region


def _row(cells: Mapping[str, str]) -> ComponentPrice:
    return ComponentPrice(
        component=read_cell(cells, "component", Component),
        region=cells["region"],
        price=read_cell(cells, "price", amount),
        currency=cells["currency"],
        starts_at=read_cell(cells, "starts_at", _start),
        provenance=provenance(cells),
    )


def _start(text: str) -> Decimal:
    try:
        read = Decimal(text)
    except InvalidOperation:
        read = Decimal(-1)
    if not (read.is_finite() and read >= 0):
        raise ValueError(f"{text!r} is no use from which a band can start")
    return read
