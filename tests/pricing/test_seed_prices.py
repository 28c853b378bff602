"""Does the bundle reproduce the price tables that the project grew from, and say where they no longer hold?

`seed_prices.csv` has those tables, USD per hour in us-east-1 as of late 2024: on demand on Linux and Windows, and what
an hour comes to when committed for one and three years, reserved or under an EC2 Instance Savings Plan.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from pricing.bundle_prices import price_rows
from pricing.offer import Purchase
from pricing.price import PriceRow
from tests.support.bundled import load_offers

REGION = "us-east-1"
SEED = list(csv.DictReader(Path(__file__).with_name("seed_prices.csv").open(encoding="utf-8")))
# p3dn by a hundredth of a percent, P4 by the cut of June 2025.
CHANGED = {"p3dn.24xlarge", "p4d.24xlarge", "p4de.24xlarge"}


def rows(name: str, purchase: str, system: str = "linux") -> list[PriceRow]:
    """The bundle's prices of a type on those terms, the oldest first."""
    wanted = (name, REGION, purchase, system)
    found = (each for each in price_rows() if each.subject[:3] == wanted[:3] and each.operating_system == system)
    return sorted(found, key=lambda each: each.provenance.as_of)


@pytest.mark.parametrize("told", SEED, ids=lambda told: str(told["instance_type"]))
def test_every_figure_is_kept(told: Mapping[str, str]) -> None:
    """Linux, Windows, one year and three: each stands in the bundle as the seed's, whatever superseded it."""
    name, kind = told["instance_type"], told["commitment"]
    for figure, found in (
        (told["linux"], rows(name, "on-demand")),
        (told["windows"], rows(name, "on-demand", "windows")),
        (told["one_year"], rows(name, f"{kind}-1yr")),
        (told["three_years"], rows(name, f"{kind}-3yr")),
    ):
        if figure:
            assert found[0].price_per_hour_per_node == Decimal(figure)
            assert found[0].provenance.source.startswith("Berth's seed tables")


def test_what_no_longer_holds_is_superseded() -> None:
    """Two years later three prices on demand are others: both are known, and the newer is what a plan uses."""
    offers = {
        each.instance_type: each.usd_per_hour_per_node
        for each in load_offers()
        if (each.region, each.purchase) == (REGION, Purchase.ON_DEMAND)
    }
    # The seed printed two or three digits.
    changed = {
        told["instance_type"]
        for told in SEED
        if offers[told["instance_type"]].quantize(Decimal(told["linux"])) != Decimal(told["linux"])
    }
    assert changed == CHANGED
    for name in CHANGED:
        first, *_, last = rows(name, "on-demand")
        assert offers[name] == last.price_per_hour_per_node < first.price_per_hour_per_node
