"""Is each feed fetched from its own API, and what one refuses kept from hurting another?"""

from __future__ import annotations

import pytest

from pricing.errors import MarketError
from pricing.feed import Feed
from pricing.feeds import fetch, fetch_or_read_file
from pricing.offer import Payment, Purchase
from pricing.price import Block, BlockListing, Listing, PriceRow
from tests.pricing.snapshots import NOW, REGION, block, price
from tests.support.price_server import PriceServer, refusing


@pytest.mark.parametrize("feed", Feed)
def test_only_what_is_public_needs_no_credentials(
    server: PriceServer, monkeypatch: pytest.MonkeyPatch, feed: Feed
) -> None:
    """Without an account AWS is asked for nothing but what it publishes."""
    for name in server.environment:
        monkeypatch.delenv(name)
    if feed is Feed.INTERRUPTIONS:
        assert fetch(feed, REGION, NOW).rows
        return
    with pytest.raises(MarketError, match="no AWS credentials are found"):
        fetch(feed, REGION, NOW)
    assert server.asked == []


@pytest.mark.parametrize("feed", [Feed.PRICES, Feed.OFFERINGS, Feed.QUOTAS, Feed.INTERRUPTIONS])
def test_rows_are_the_regions(server: PriceServer, feed: Feed) -> None:
    """What comes is of the region that was asked for, and nothing was left out."""
    answer = fetch(feed, REGION, NOW)
    assert answer.rows and {row.region for row in answer.rows} == {REGION}
    assert answer.findings == ()


def test_sagemakers_prices_stand_without_its_plans(monkeypatch: pytest.MonkeyPatch, server: PriceServer) -> None:
    """A role that may not read Savings Plans still gets prices, and reads why there are no rates."""
    monkeypatch.setattr("pricing.feeds.sagemaker_prices", lambda *_: listing(price("ml.p5.48xlarge")))
    server.instead["DescribeSavingsPlansOfferingRates"] = refusing("AccessDeniedException")
    answer = fetch(Feed.SAGEMAKER, REGION, NOW)
    assert len(answer.rows) == 1
    (finding,) = answer.findings
    assert "allow savingsplans:DescribeSavingsPlansOfferingRates" in finding


def test_sagemakers_plans_stand_beside_its_prices(monkeypatch: pytest.MonkeyPatch, server: PriceServer) -> None:
    """Where both can be had, both are in the feed."""
    plan = price("ml.p5.48xlarge", purchase=Purchase.SAVINGS_PLAN_1YR, payment=Payment.NO_UPFRONT)
    monkeypatch.setattr("pricing.feeds.sagemaker_prices", lambda *_: listing(price("ml.p5.48xlarge")))
    monkeypatch.setattr("pricing.feeds.sagemaker_plan_rates", lambda *_: listing(plan))
    assert fetch(Feed.SAGEMAKER, REGION, NOW).rows == (price("ml.p5.48xlarge"), plan)


def test_blocks_are_asked_for_where_they_may_be(monkeypatch: pytest.MonkeyPatch, server: PriceServer) -> None:
    """What a region does not sell is not asked for, and of missing UltraServers only what was left unasked is told."""
    names: list[str] = []

    def blocks(region: str, asked: list[str]) -> BlockListing:
        names.extend(asked)
        refused = {name: f"{region}: {name} cannot be had." for name in ("u-trn2x64", "p5e.48xlarge")}
        return BlockListing(blocks=(block(),), findings=("Asked for up to u-p6e-gb200x72 only.",), refused=refused)

    monkeypatch.setattr("pricing.feeds.all_blocks", blocks)
    answer = fetch(Feed.CAPACITY_BLOCKS, REGION, NOW)
    assert {"p5.48xlarge", "u-p6e-gb200x72"} <= set(names)
    assert "g5.xlarge" not in names and "trn2u.48xlarge" not in names
    assert all(isinstance(row, Block) for row in answer.rows)
    assert answer.findings == ("us-east-1: p5e.48xlarge cannot be had.", "Asked for up to u-p6e-gb200x72 only.")


@pytest.mark.parametrize("feed", [Feed.SPOT, Feed.QUOTAS])
def test_no_file_stands_in_for_what_is_in_none(server: PriceServer, feed: Feed) -> None:
    """Only prices on demand and reserved are published as files that are read."""
    for call in ("DescribeSpotPriceHistory", "ListServiceQuotas"):
        server.instead[call] = refusing("UnauthorizedOperation")
    with pytest.raises(MarketError, match="UnauthorizedOperation"):
        fetch_or_read_file(feed, REGION, NOW)


def test_two_failures_are_both_told(server: PriceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither the API nor the file gives prices, the reader learns of both."""
    monkeypatch.setattr("pricing.aws.price_file._HOSTS", {"aws": (f"{server.address}/gone", "aws")})
    server.instead["GetProducts"] = refusing("AccessDeniedException")
    with pytest.raises(MarketError) as caught:
        fetch_or_read_file(Feed.PRICES, REGION, NOW)
    api, file = caught.value.findings
    assert "AccessDeniedException" in api
    assert "price list file of us-east-1" in file


def listing(row: PriceRow) -> Listing:
    """A listing of one price."""
    return Listing(rows=(row,), findings=())
