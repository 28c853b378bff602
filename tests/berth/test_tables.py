"""Are rows printed for people in columns, and for programs without loss?"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from berth.tables import print_records, print_table, refuse_both
from pricing.errors import OptionError

RECORDS: list[dict[str, Any]] = [
    {"name": "p5, or so", "usd": Decimal("55.04"), "zones": ("a", "b"), "day": date(2026, 11, 23), "none": None},
    {"name": "[bold]", "usd": None, "zones": (), "day": None, "none": None},
]


def test_json_keeps_types(capsys: pytest.CaptureFixture[str]) -> None:
    """Money is a number, a day a text, zones a list, and what is unknown null."""
    print_records(RECORDS, as_json=True)
    first, second = json.loads(capsys.readouterr().out)
    assert first == {"name": "p5, or so", "usd": 55.04, "zones": ["a", "b"], "day": "2026-11-23", "none": None}
    assert second["usd"] is None


def test_csv_quotes_and_leaves_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """A comma in a cell does not make two, and what is unknown is an empty cell."""
    print_records(RECORDS, as_json=False)
    assert capsys.readouterr().out == 'name,usd,zones,day,none\n"p5, or so",55.04,a b,2026-11-23,\n[bold],,,,\n'


@pytest.mark.parametrize(("as_json", "out"), [(True, "[]\n"), (False, "")])
def test_no_rows_are_no_rows(capsys: pytest.CaptureFixture[str], as_json: bool, out: str) -> None:
    """Nothing found is an empty list."""
    print_records([], as_json=as_json)
    assert capsys.readouterr().out == out


def test_columns_are_aligned_and_never_folded(capsys: pytest.CaptureFixture[str]) -> None:
    """Every row is one line, figures end at their right, and names are data, not styles."""
    print_table(("name", "an hour"), [("p5", "$55.04"), ("[bold]" * 30, "$1.00")], right=("an hour",))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.endswith(end) for line, end in zip(lines, ("an hour", " $55.04", "  $1.00"), strict=True))
    assert "[bold][bold]" in lines[2]


def test_two_formats_are_refused() -> None:
    """JSON and CSV at once is a contradiction."""
    with pytest.raises(OptionError, match="exclude each other"):
        refuse_both(json=True, csv=True)
    refuse_both(json=True, csv=False)
