"""How is a CSV table of the bundle read, so that each fault names its line and column?"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TypeVar

from pricing.errors import CatalogError
from pricing.offer import Provenance

Row = TypeVar("Row")
Value = TypeVar("Value")


def read_table(path: Path, convert: Callable[[Mapping[str, str]], Row]) -> tuple[Row, ...]:
    """Every row of a table, in order, as `convert` makes it of its cells.

    `convert` raises ValueError for a cell that makes no sense. Raises CatalogError with every faulty line, or
    with the column that is missing.
    """
    rows, findings = [], []
    for line, cells in lines(path):
        try:
            rows.append(convert(cells))
        except KeyError as error:
            raise CatalogError(f"{path.name} has no column {error}.") from error
        except ValueError as error:
            findings.append(f"{path.name}, line {line}: {error}.")
    if findings:
        raise CatalogError(findings)
    return tuple(rows)


def lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line's number and cells by column.

    Raises CatalogError for a line of another length than the header, and for a file that cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            # Of a plan's time the tables take most that is not search, and a DictReader twice what this takes.
            reader = csv.reader(file)
            columns = next(reader, [])
            for cells in filter(None, reader):
                if len(cells) != len(columns):
                    raise CatalogError(f"{path.name}, line {reader.line_num}: not one cell per column.")
                yield reader.line_num, dict(zip(columns, cells, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogError(f"{path} cannot be read: {error}") from None


def read_cell(cells: Mapping[str, str], column: str, convert: Callable[[str], Value]) -> Value:
    """A cell as `convert` makes it of its text. Raises ValueError that names the column, KeyError without one."""
    try:
        return convert(cells[column])
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from error


def provenance(cells: Mapping[str, str]) -> Provenance:
    """Who says what a line says, and of which day. Raises ValueError that names the column, KeyError without one."""
    return _provenance(cells["source"], cells["as_of"])


# A table has thousands of lines, and few sources and days.
@cache
def _provenance(source: str, as_of: str) -> Provenance:
    return Provenance(source=source, as_of=read_cell({"as_of": as_of}, "as_of", date.fromisoformat))


def amount(text: str) -> Decimal:
    """A price. Raises ValueError for what is no positive amount: a price of zero means an unknown one."""
    try:
        read = Decimal(text)
    except InvalidOperation:
        read = Decimal(0)
    # Sources that print a price of zero mean an unknown one; it must never win a comparison.
    if not (read.is_finite() and read > 0):
        raise ValueError(f"{text!r} is not a positive amount")
    return read
