"""How often are spot instances interrupted, by the bundled snapshot?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pricing.catalog import DATA
from pricing.price import Interruption
from pricing.table import provenance, read_cell, read_table


@cache
def load_interruptions(folder: Path = DATA) -> tuple[Interruption, ...]:
    """Every row of `interruptions.csv`. Raises CatalogError naming each faulty line and column."""
    return read_table(folder / "interruptions.csv", _row)


def _row(cells: Mapping[str, str]) -> Interruption:
    return Interruption(
        instance_type=cells["instance_type"],
        region=cells["region"],
        low=read_cell(cells, "low", _share),
        high=read_cell(cells, "high", _share),
        provenance=provenance(cells),
    )


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise ValueError(f"{text!r} is not a share below 1")
    return share
