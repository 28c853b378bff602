"""Are all known prices of an instance type found, each with its word?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from pricing.basis import Prices
from pricing.errors import CatalogError, MarketError
from pricing.feed import Feed
from pricing.lookup import look_up
from pricing.offer import Payment, Purchase
from pricing.records import replace
from pricing.sagemaker import named
from tests.pricing.snapshots import NOW, REGION, block, kept, price, snapshot
from tests.support.price_server import PriceServer

P5 = "p5.48xlarge"


def test_every_purchase_and_zone_is_listed() -> None:
    """On demand, each zone's spot price, a block and SageMaker's price stand in this order, region by region."""
    found = look_up(P5, ("us-east-2", REGION), Prices.BUNDLED, NOW)
    here = [row for row in found.rows if row.region == REGION]
    assert [row.region for row in found.rows] == sorted(row.region for row in found.rows)
    assert [row.purchase for row in here if row.instance_type == P5] == [
        Purchase.ON_DEMAND,
        *[Purchase.SPOT] * 7,
        Purchase.CAPACITY_BLOCK,
    ]
    assert here[-1].instance_type == f"ml.{P5}"
    assert found.notes[0] == "Prices: bundled snapshot; the newest held on 2026-07-20, the oldest on 2024-12-31."


def test_each_use_of_a_managed_instance_has_its_price() -> None:
    """What SageMaker takes for a cluster's node does not hide what it takes for hosting."""
    plain = price(f"ml.{P5}", "2")
    uses = [
        replace(plain, provenance=replace(plain.provenance, source=named(each, "a test")))
        for each in ("Cluster", "Hosting")
    ]
    kept(snapshot(Feed.SAGEMAKER, *uses))
    found = look_up(P5, (REGION,), Prices.KNOWN, NOW)
    sources = {row.provenance.source for row in found.rows if row.provenance.as_of == NOW.date()}
    assert sources == {"SageMaker Cluster: a test", "SageMaker Hosting: a test"}


def test_prices_in_another_currency_are_listed() -> None:
    """What a plan in USD cannot use is shown all the same, and not said to be left out."""
    found = look_up("g3.16xlarge", ("cn-north-1",), Prices.BUNDLED, NOW)
    assert [row.currency for row in found.rows] == ["CNY"]
    assert found.notes == ("Prices: bundled snapshot; the newest held on 2024-11-06, the oldest on 2024-11-06.",)


def test_every_payment_is_listed() -> None:
    """Here is the place for what is paid up front, which a plan leaves out."""
    rows = [price(purchase=Purchase.RESERVED_3YR, payment=payment) for payment in Payment if payment]
    kept(snapshot(Feed.PRICES, *rows))
    found = look_up(P5, (REGION,), Prices.KNOWN, NOW)
    shown = [row.payment for row in found.rows if row.purchase is Purchase.RESERVED_3YR]
    assert shown == [Payment.NO_UPFRONT, Payment.PARTIAL_UPFRONT, Payment.ALL_UPFRONT]


def test_blocks_are_listed_each() -> None:
    """Blocks of other zones or starts are other offers; each says which one it is."""
    kept(snapshot(Feed.CAPACITY_BLOCKS, block(), block(zone_id="use1-az1"), block("p4d.24xlarge")))
    found = look_up(P5, (REGION,), Prices.KNOWN, NOW)
    blocks = [row for row in found.rows if row.purchase is Purchase.CAPACITY_BLOCK]
    assert len(blocks) == len({row.provenance.source for row in blocks}) == 2


def test_only_the_newest_is_listed() -> None:
    """A price that was superseded is history, not an offer."""
    found = look_up(P5, (REGION,), Prices.BUNDLED, NOW)
    (row,) = [row for row in found.rows if row.purchase is Purchase.ON_DEMAND and row.instance_type == P5]
    assert str(row.provenance.as_of) == "2026-07-20"


def test_a_region_without_a_price_is_told() -> None:
    """Sold without a known price, and not sold as far as is known, are two sentences."""
    found = look_up("trn2.48xlarge", ("ap-south-2", "eu-west-1"), Prices.BUNDLED, NOW)
    sold, unknown = found.gaps
    assert sold.startswith("trn2.48xlarge is sold in ap-south-2 (aps2-az") and sold.endswith("no price is known there.")
    assert unknown == "No price of trn2.48xlarge is known in eu-west-1, and no source lists it there."


@pytest.mark.parametrize(
    ("name", "region", "error"),
    [("p5.48xlarg", REGION, CatalogError), (P5, "us-east1", MarketError)],
)
def test_unknown_names_are_refused(name: str, region: str, error: type[Exception]) -> None:
    """What may be meant is said."""
    with pytest.raises(error, match="did you mean"):
        look_up(name, (region,), Prices.BUNDLED, NOW)


def test_live_asks_for_every_way_to_pay(server: PriceServer) -> None:
    """All price feeds are asked for, and one that fails leaves the others."""
    server.usd[P5, REGION] = "1.25"
    found = look_up(P5, (REGION,), Prices.LIVE, NOW)
    assert server.calls == [
        "DescribeCapacityBlockOfferings",
        "DescribeSavingsPlansOfferingRates",
        "DescribeSpotPriceHistory",
        # SageMaker has no prices here, and is asked what else it prices.
        "GetAttributeValues",
        "GetProducts",
    ]
    assert found.rows[0].price_per_hour_per_node == price(usd="1.25").price_per_hour_per_node
    assert any(note.startswith("Spot prices") for note in found.notes)


def test_an_old_cache_is_told() -> None:
    """Whoever looks up a price of last week reads that it is one."""
    kept(snapshot(Feed.SPOT, age=timedelta(days=7)))
    notes = look_up(P5, (REGION,), Prices.KNOWN, NOW).notes
    assert "Spot prices of us-east-1: cache of 7.0 days ago, for want of newer ones." in notes


@pytest.mark.parametrize("name", ["h100", "h100-80gb", "trainium2"])
def test_an_accelerator_is_no_instance_type(name: str) -> None:
    """Who names the accelerator is led to the list of types that carry it."""
    with pytest.raises(CatalogError, match="is an accelerator; `berth catalog --gpu "):
        look_up(name, (REGION,), Prices.BUNDLED, NOW)


@pytest.mark.parametrize("name", ["u-trn2x64", "p6e-gb200.36xlarge"])
def test_what_is_sold_by_the_block_is_led_to_ec2(name: str) -> None:
    """A fee that no list states is asked for, not looked up."""
    (gap,) = look_up(name, (REGION,), Prices.BUNDLED, NOW).gaps
    assert gap.endswith("; EC2 tells the fee of a block to who asks it with --live.")
