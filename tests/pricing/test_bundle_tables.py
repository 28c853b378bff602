"""Are the bundled tables of prices and offerings complete, sorted and plausible?"""

from __future__ import annotations

import csv
import re
from datetime import date
from decimal import Decimal

import pytest

from pricing.bundle_prices import offerings, price_rows
from pricing.catalog import DATA, load_instance_types
from pricing.offer import Payment, Purchase
from tests.support.bundled import load_offers

BUNDLE_DATE = date(2026, 11, 23)
PRICE_COLUMNS = [
    "instance_type",
    "region",
    "purchase",
    "payment",
    "price_per_hour_per_node",
    "currency",
    "operating_system",
    "zone_id",
    "as_of",
    "source",
]
ZONE_ID = re.compile(r"[a-z]+[0-9]+(-[a-z]+[0-9]+)?-az[0-9]+")


def csv_rows(name: str) -> list[dict[str, str]]:
    """The rows of one of the bundle's tables."""
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["prices.csv", "sagemaker_prices.csv"])
def test_price_tables_are_sorted_and_free_of_duplicates(name: str) -> None:
    """A table of prices can be compared line by line, and no two rows speak of the same thing and day."""
    rows = csv_rows(name)
    subject = ("instance_type", "region", "purchase", "payment", "operating_system", "zone_id", "as_of")
    keys = [tuple(row[column] for column in subject) for row in rows]
    assert list(rows[0]) == PRICE_COLUMNS
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("name", ["prices.csv", "sagemaker_prices.csv"])
def test_each_price_is_complete(name: str) -> None:
    """A price has a known type, a region, a known purchase, a positive amount, a past date and a source."""
    for row in csv_rows(name):
        assert row["instance_type"].removeprefix("ml.") in load_instance_types(), row
        assert re.fullmatch(r"(us-gov|[a-z]{2})-[a-z]+-[0-9]", row["region"]), row
        assert row["purchase"] in set(Purchase), row
        assert row["payment"] in set(Payment), row
        assert Decimal(row["price_per_hour_per_node"]) > 0, row
        assert date(2024, 1, 1) <= date.fromisoformat(row["as_of"]) <= BUNDLE_DATE, row
        assert len(row["source"]) > 8, row
        assert (row["currency"] == "CNY") == row["region"].startswith("cn-"), row
        assert row["operating_system"] in {"linux", "windows"}, row
        assert not row["zone_id"] or (row["purchase"] == "spot" and ZONE_ID.fullmatch(row["zone_id"])), row


def test_prices_per_accelerator_are_plausible() -> None:
    """No price is off by a factor: an accelerator costs between two cents and 25 USD an hour."""
    types = load_instance_types()
    for offer in load_offers():
        each = types[offer.instance_type]
        per_hour = offer.usd_per_hour_per_node / Decimal(each.accelerators * each.accelerator_share)
        assert Decimal("0.02") <= per_hour <= 25, offer


def test_a_longer_promise_is_never_dearer() -> None:
    """Where known, three years cost less than one, and one less than on demand at that time."""
    for row in price_rows():
        if row.purchase in {Purchase.RESERVED_1YR, Purchase.SAVINGS_PLAN_1YR}:
            same = [
                other
                for other in price_rows()
                if (other.instance_type, other.region, other.provenance.as_of)
                == (row.instance_type, row.region, row.provenance.as_of)
            ]
            by_purchase = {
                other.purchase: other.price_per_hour_per_node for other in same if other.operating_system == "linux"
            }
            longer = Purchase(row.purchase.replace("1yr", "3yr"))
            assert by_purchase[longer] < row.price_per_hour_per_node < by_purchase[Purchase.ON_DEMAND]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("p4d.24xlarge", "32.7726", "21.957642"),
        ("p4de.24xlarge", "40.96575", "27.44705"),
        ("p5.48xlarge", "98.32", "55.04"),
        ("p5en.48xlarge", "84.8", "63.296"),
    ],
)
def test_the_price_cut_of_june_2025_is_visible(name: str, old: str, new: str) -> None:
    """The price before the cut stays in the table, and the one after it is offered."""
    history = {
        row.price_per_hour_per_node
        for row in price_rows()
        if (row.instance_type, row.region, row.purchase) == (name, "us-east-1", Purchase.ON_DEMAND)
    }
    (offer,) = [
        each
        for each in load_offers()
        if (each.instance_type, each.region, each.purchase) == (name, "us-east-1", Purchase.ON_DEMAND)
    ]
    assert history >= {Decimal(old), Decimal(new)}
    assert offer.usd_per_hour_per_node == Decimal(new)


def test_h200_instances_have_no_on_demand_price() -> None:
    """p5e is sold as capacity block and spot; a single stray on-demand figure of 2025 is not carried over."""
    purchases = {each.purchase for each in load_offers() if each.instance_type == "p5e.48xlarge"}
    assert purchases == {Purchase.CAPACITY_BLOCK, Purchase.SPOT}


def test_every_purchase_is_priced_somewhere() -> None:
    """The snapshot has each way to pay that Berth knows, but for Compute Savings Plans, which the API alone prices."""
    live = {Purchase.COMPUTE_SAVINGS_PLAN_1YR, Purchase.COMPUTE_SAVINGS_PLAN_3YR}
    assert {each.purchase for each in load_offers()} | live == set(Purchase)


def test_offerings_are_sorted_dated_and_of_types_still_sold() -> None:
    """A zone is listed for types that are not retired, once per type and region."""
    rows = csv_rows("offerings.csv")
    keys = [(row["instance_type"], row["region"]) for row in rows]
    assert keys == sorted(set(keys))
    for row in rows:
        assert not load_instance_types()[row["instance_type"]].retired
        assert all(ZONE_ID.fullmatch(zone) for zone in row["zone_ids"].split()), row
        assert date.fromisoformat(row["as_of"]) <= BUNDLE_DATE
        assert row["source"]


def test_what_is_sold_on_demand_is_offered_somewhere_in_the_region() -> None:
    """An on-demand price of a type still sold lies in a region that lists the type, where lists exist."""
    listed = {region for _, region in offerings()}
    for offer in load_offers():
        current = not load_instance_types()[offer.instance_type].retired
        if current and offer.purchase is Purchase.ON_DEMAND and offer.region in listed:
            assert offer.zone_ids, offer
