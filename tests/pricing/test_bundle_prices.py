"""Does the price snapshot become the offers that hold, and nothing else?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pricing.bundle_prices import offerings, price_rows
from pricing.errors import CatalogError
from pricing.offer import Purchase
from tests.support.bundled import load_offers

HEADER = "instance_type,region,purchase,payment,price_per_hour_per_node,currency,operating_system,zone_id,as_of,source"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle that offers p5 in two zones of us-east-1 and has no price yet."""
    (tmp_path / "offerings.csv").write_text(
        "instance_type,region,zone_ids,as_of,source\np5,us-east-1,use1-az1 use1-az2,2026-01-01,a test\n"
    )
    return tmp_path


def priced(folder: Path, *rows: str) -> Path:
    """The bundle with some rows of prices."""
    (folder / "prices.csv").write_text("\n".join((HEADER, *rows, "")))
    return folder


def test_the_newest_price_wins_and_the_older_row_stays(folder: Path) -> None:
    """Of two prices for the same thing the later one is offered, in whichever order they stand."""
    rows = [
        "p5,us-east-1,on-demand,,55.04,USD,linux,,2026-07-20,new",
        "p5,us-east-1,on-demand,,98.32,USD,linux,,2025-06-22,old",
    ]
    priced(folder, *rows)
    (offer,) = load_offers(folder)
    assert offer.usd_per_hour_per_node == Decimal("55.04")
    assert (offer.provenance.source, offer.provenance.as_of) == ("new", date(2026, 7, 20))
    assert len(price_rows(folder)) == 2


def test_only_linux_prices_in_usd_are_offers(folder: Path) -> None:
    """Windows prices and prices in another currency are kept in the file and left out of the offers."""
    priced(
        folder,
        "p5,us-east-1,on-demand,,7.504,USD,windows,,2026-01-01,a test",
        "p5,cn-north-1,on-demand,,64.8,CNY,linux,,2026-01-01,a test",
    )
    assert load_offers(folder) == ()


@pytest.mark.parametrize(
    ("purchase", "zone", "zone_ids"),
    [
        ("on-demand", "", ("use1-az1", "use1-az2")),
        ("savings-plan-1yr", "", ("use1-az1", "use1-az2")),
        ("capacity-block", "", ("use1-az1", "use1-az2")),
        ("spot", "use1-az1", ("use1-az1",)),
        ("spot", "", ("use1-az1", "use1-az2")),
    ],
)
def test_offers_name_their_zones(folder: Path, purchase: str, zone: str, zone_ids: tuple[str, ...]) -> None:
    """Spot is the price of its own zone, where that was recorded; everything else is sold wherever the type is."""
    priced(folder, f"p5,us-east-1,{purchase},,9,USD,linux,{zone},2026-01-01,a test")
    (offer,) = load_offers(folder)
    assert (offer.purchase, offer.zone_ids) == (Purchase(purchase), zone_ids)


@pytest.mark.parametrize("zone", ["use1-atl2-az1", "use1-wl1-bos-wlz1"])
def test_zones_beside_a_region_are_left_out(folder: Path, zone: str) -> None:
    """A Local or Wavelength Zone must be opted into, and is no zone to build in."""
    priced(folder, f"p5,us-east-1,spot,,9,USD,linux,{zone},2026-01-01,a test")
    assert load_offers(folder) == ()


def test_the_lowest_of_a_region_gives_way_to_its_zones(folder: Path) -> None:
    """Where zones' own prices are known, a price of no zone in particular is none to compare with."""
    priced(
        folder,
        "p5,us-east-1,spot,,8,USD,linux,,2026-01-01,a test",
        "p5,us-east-1,spot,,9,USD,linux,use1-az1,2026-05-01,a test",
        "p5,us-west-2,spot,,7,USD,linux,,2026-01-01,a test",
    )
    assert [each.usd_per_hour_per_node for each in load_offers(folder)] == [9, 7]


@pytest.mark.parametrize(
    ("payment", "offered"), [("", 1), ("no-upfront", 1), ("partial-upfront", 0), ("all-upfront", 0)]
)
def test_only_what_is_billed_by_the_hour_is_offered(folder: Path, payment: str, offered: int) -> None:
    """A fee at the start is no price of an hour."""
    priced(folder, f"p5,us-east-1,reserved-1yr,{payment},9,USD,linux,,2026-01-01,a test")
    assert len(load_offers(folder)) == offered


def test_spot_zones_do_not_supersede_each_other(folder: Path) -> None:
    """A newer price of one zone leaves the price of another zone standing."""
    priced(
        folder,
        "p5,us-east-1,spot,,9,USD,linux,use1-az1,2026-01-01,a test",
        "p5,us-east-1,spot,,8,USD,linux,use1-az2,2026-05-01,a test",
    )
    assert len(load_offers(folder)) == 2


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (
            "p5,us-east-1,on-demand,,0.0000,USD,linux,,2026-01-01,t",
            "price_per_hour_per_node: '0.0000' is not a positive amount",
        ),
        (
            "p5,us-east-1,on-demand,,-1,USD,linux,,2026-01-01,t",
            "price_per_hour_per_node: '-1' is not a positive amount",
        ),
        ("p5,us-east-1,on-demand,,,USD,linux,,2026-01-01,t", "price_per_hour_per_node: '' is not a positive amount"),
        (
            "p5,us-east-1,on-demand,,NaN,USD,linux,,2026-01-01,t",
            "price_per_hour_per_node: 'NaN' is not a positive amount",
        ),
        ("p5,us-east-1,lease,,9,USD,linux,,2026-01-01,t", "purchase: 'lease' is not a valid Purchase"),
        ("p5,us-east-1,spot,,9,USD,linux,,spring 2026,t", "as_of: Invalid isoformat string: 'spring 2026'"),
        (
            "p5,us-east-1,savings-plan-1yr,monthly,9,USD,linux,,2026-01-01,t",
            "payment: 'monthly' is not a valid Payment",
        ),
        ("p5,us-east-1,spot,,9", "not one cell per column"),
    ],
)
def test_faults_name_line_and_column(folder: Path, row: str, finding: str) -> None:
    """A faulty price is an error with its place, never a free instance."""
    priced(folder, row)
    with pytest.raises(CatalogError, match=r"^prices\.csv, line 2: ") as caught:
        load_offers(folder)
    assert finding in str(caught.value)


def test_every_faulty_line_is_reported_at_once(folder: Path) -> None:
    """Two faulty lines are two findings."""
    priced(folder, *["p5,us-east-1,lease,,9,USD,linux,,2026-01-01,t"] * 2)
    with pytest.raises(CatalogError) as caught:
        load_offers(folder)
    assert len(caught.value.findings) == 2


def test_a_missing_column_is_named(folder: Path) -> None:
    """A file without one of the columns is refused with its name."""
    (folder / "prices.csv").write_text("instance_type,region\np5,us-east-1\n")
    with pytest.raises(CatalogError, match=r"prices\.csv has no column 'purchase'"):
        load_offers(folder)


def test_an_offering_without_zones_is_refused(folder: Path) -> None:
    """A line that says a type is sold but not where is an error with its place."""
    (folder / "offerings.csv").write_text("instance_type,region,zone_ids,as_of,source\np5,us-east-1,,2026-01-01,t\n")
    with pytest.raises(CatalogError, match=r"offerings\.csv, line 2"):
        offerings(folder)
