"""How do the columns of measured runs read in a terminal?"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from planner.measured_columns import Column

# Beside the longest name this fits a terminal of 120.
WORDS_WIDTH = 84


def print_columns(title: str, columns: Sequence[Column]) -> None:
    """Prints a line for each column, and more with its words where these are limited."""
    width = max(len(column.name) for column in columns)
    print(title)
    for column in columns:
        print(f"  {column.name:{width}}  {column.meaning}")
        for line in wrap(", ".join(column.words), WORDS_WIDTH, break_on_hyphens=False):
            print(f"  {'':{width}}    {line}")
