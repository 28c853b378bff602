"""Are rows printed for people in columns, and for programs without loss?"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from io import StringIO
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


class Terminal(StringIO):
    """What a terminal shows."""

    def isatty(self) -> bool:
        return True


TITLES = ("name", "zone", "an hour", "source")
ROWS = [
    ("p5.48xlarge", "use1-az6", "55.0400 USD", "a price file of the day, read in November"),
    ("g5.xlarge", "", "1.0060 USD", "b"),
]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (
            80,
            [
                "name         zone          an hour  source",
                "p5.48xlarge  use1-az6  55.0400 USD  a price file of the day, read in November",
                "g5.xlarge               1.0060 USD  b",
            ],
        ),
        (
            70,
            [
                "name         zone          an hour  source",
                "p5.48xlarge  use1-az6  55.0400 USD  a price file of the day, read in",
                "                                    November",
                "g5.xlarge               1.0060 USD  b",
            ],
        ),
        (
            36,
            [
                "p5.48xlarge: zone use1-az6, an hour",
                "  55.0400 USD, source a price file",
                "  of the day, read in November",
                "g5.xlarge: an hour 1.0060 USD,",
                "  source b",
            ],
        ),
    ],
)
def test_a_narrow_terminal_cuts_no_word(monkeypatch: pytest.MonkeyPatch, columns: int, lines: list[str]) -> None:
    """The last column is folded where that suffices; else each row is a paragraph, without its empty cells."""
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    for name, value in {"COLUMNS": str(columns), "LINES": "25", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    print_table(TITLES, ROWS, right=("an hour",))
    shown = re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue())
    assert [line.rstrip() for line in shown.splitlines()] == lines


def test_two_formats_are_refused() -> None:
    """JSON and CSV at once is a contradiction."""
    with pytest.raises(OptionError, match="exclude each other"):
        refuse_both(json=True, csv=True)
    refuse_both(json=True, csv=False)
