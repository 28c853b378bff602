"""How do rows read: as a table, as JSON, as CSV?"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from textwrap import fill
from typing import Any

from pricing.errors import OptionError

Record = Mapping[str, Any]
"""A row: its figures by name, in base units."""

# Off a terminal nothing is folded, so that lines can be searched.
_WIDE = 1000
# Rich's space between columns, and the least width in which a folded sentence reads well.
_BETWEEN = 2
_FOLDED = 30


def print_records(records: Sequence[Record], *, as_json: bool) -> None:
    """Prints rows for programs: JSON, or CSV; what is unknown is null, or empty."""
    if as_json:
        print(json.dumps([{name: _plain(value) for name, value in record.items()} for record in records], indent=2))
        return
    page = StringIO(newline="")
    writer = csv.writer(page, lineterminator="\n")
    if records:
        writer.writerow(records[0])
    writer.writerows([_cell(value) for value in record.values()] for record in records)
    print(page.getvalue(), end="")


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> None:
    """Prints rows for people; columns titled as in `right` are aligned at their right.

    Of a table too wide for the terminal the last column is folded; if that is not enough, each row is a paragraph.
    """
    from rich.console import Console
    from rich.table import Table

    numeric = set(right)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        # No figure is cut.
        table.add_column(title, justify="right" if title in numeric else "left", no_wrap=title != titles[-1])
    rows = list(rows)
    for row in rows:
        table.add_row(*row)
    plain: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    if sys.stdout and sys.stdout.isatty():
        console = Console(**plain)
        *whole, last = (max(map(len, column)) for column in zip(titles, *rows, strict=True))
        if sum(whole) + _BETWEEN * len(whole) + min(last, _FOLDED) <= console.width:
            console.print(table)
        else:
            print("\n".join(_paragraph(titles, row, console.width) for row in rows))
        return
    page = StringIO()
    Console(file=page, width=_WIDE, **plain).print(table)
    print("\n".join(line.rstrip() for line in page.getvalue().splitlines()))


def refuse_both(*, json: bool, csv: bool) -> None:
    """Raises OptionError where two formats are asked for."""
    if json and csv:
        raise OptionError("--json and --csv exclude each other; leave one of them out.")


def _paragraph(titles: Sequence[str], row: Sequence[str], width: int) -> str:
    """A row as `first: title cell, title cell`, without its empty cells, broken between words."""
    cells = ", ".join(f"{title} {cell}" for title, cell in zip(titles[1:], row[1:], strict=True) if cell)
    return fill(f"{row[0]}: {cells}", width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # JSON has no decimals; the ten digits of a price survive as a float.
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "" if value is None else value
