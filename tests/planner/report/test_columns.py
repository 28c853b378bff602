"""Is an amount whole however narrow the terminal is?"""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from planner.report.columns import figures_table

ROWS = [("us-gov-west-1", "compute-savings-plan-1yr", "$1,234,567"), ("us-east-1", "spot", "$2.00")]


@pytest.mark.parametrize("width", [38, 45, 110])
def test_names_fold_and_amounts_do_not(width: int) -> None:
    """Every amount stands in one piece, and every letter of a name stands somewhere."""
    page = StringIO()
    table = figures_table(("region", "purchase", "a run of many days"), ROWS, ("a run of many days",), bold=(1,))
    Console(file=page, width=width).print(table)
    text = page.getvalue()
    assert "$1,234,567" in text and "$2.00" in text
    assert "\u2026" not in text
    letters = "".join(text.split())
    assert all(letter in letters for row in ROWS for cell in row for letter in cell)
    assert len(letters) == sum(len("".join(cell.split())) for row in ROWS for cell in row) + len(
        "regionpurchasearunofmanydays"
    )


def test_what_is_to_stay_whole_does() -> None:
    """A column that is named as whole gives its width to no other."""
    page = StringIO()
    table = figures_table(("region", "purchase", "run"), ROWS, ("run",), whole=("purchase",))
    Console(file=page, width=45).print(table)
    assert "compute-savings-plan-1yr" in page.getvalue()
