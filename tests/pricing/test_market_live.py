"""Is the market of what AWS says, of what it said, or of the bundle: of the right one, and never of two halves?"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pricing.aws.session import session
from pricing.basis import Prices
from pricing.bundle import bundled
from pricing.cache import cache_path, read_cache
from pricing.feed import Feed, Offering
from pricing.market import Market, load_market
from pricing.offer import Offer, Payment, Purchase
from pricing.price import Component
from tests.pricing.snapshots import NOW, REGION, ROWS, block, kept, price, snapshot
from tests.support.price_server import PriceServer, Reply, Request, page, product, refusing

ON_DEMAND = (Purchase.ON_DEMAND,)
DAY = timedelta(days=1)
LIVE_NOTE = "Prices of us-east-1: live, as AWS answered at 2026-11-23 12:00 UTC."
BUNDLE_NOTE = "Prices: bundled snapshot; the newest held on 2026-07-20, the oldest on 2026-07-20."


def market(
    prices: Prices = Prices.AUTO,
    *regions: str,
    purchases: tuple[Purchase, ...] = ON_DEMAND,
    now: datetime = NOW,
) -> Market:
    """The market of us-east-1 unless other regions are named, on demand unless said otherwise."""
    return load_market(regions or (REGION,), purchases, prices=prices, now=now)


def offers(found: Market, instance_type: str = "p5.48xlarge") -> list[Offer]:
    """The offers of a type that were asked for."""
    return [each for each in found.offers if each.instance_type == instance_type]


def usd(found: Market, instance_type: str = "p5.48xlarge") -> Decimal:
    """The price of the one offer of a type."""
    (offer,) = offers(found, instance_type)
    return offer.usd_per_hour_per_node


@pytest.mark.parametrize("prices", [Prices.AUTO, Prices.LIVE])
def test_prices_are_those_that_aws_answers(server: PriceServer, prices: Prices) -> None:
    """With credentials, a price is AWS's: with its source, the day since which it holds, and today as its age."""
    server.usd["p5.48xlarge", REGION] = "1.2500000000"
    found = market(prices)
    (offer,) = offers(found)
    assert offer.usd_per_hour_per_node == Decimal("1.25")
    assert offer.provenance.source.startswith("AWS Price List, published 2026-11-20")
    assert str(offer.provenance.effective) == "2026-11-01"
    assert offer.provenance.age_days(NOW.date()) == 0
    assert found.notes[0] == LIVE_NOTE


def test_a_live_market_has_zones_and_quotas(server: PriceServer) -> None:
    """Where types are sold and how many nodes the account may have come from AWS too."""
    found = market()
    assert found.zone_ids["p5.48xlarge", REGION] == bundled_zones("p5.48xlarge")
    assert found.nodes_allowed("p5.48xlarge", Purchase.ON_DEMAND, REGION) == 768 // 192
    assert found.nodes_allowed("p5.48xlarge", Purchase.SPOT, REGION) is None
    assert found.nodes_allowed("p5.48xlarge", Purchase.ON_DEMAND, "us-west-2") is None
    assert found.nodes_allowed("no.such", Purchase.ON_DEMAND, REGION) is None


def bundled_zones(name: str) -> tuple[str, ...]:
    """The zones of us-east-1 that sell a type, by the bundle."""
    rows = bundled((REGION, Feed.OFFERINGS)).rows
    return next(row.zone_ids for row in rows if isinstance(row, Offering) and row.instance_type == name)


@pytest.mark.parametrize("prices", [Prices.AUTO, Prices.KNOWN, Prices.BUNDLED])
def test_without_credentials_nothing_is_asked(
    server: PriceServer, prices: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has no account gets the bundle, and no request leaves the machine."""
    for name in server.environment:
        monkeypatch.delenv(name)
    assert market(prices).notes == (BUNDLE_NOTE,)
    assert server.asked == []


def test_asking_without_credentials_is_told(server: PriceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """--live without an account is the bundle too, and says why."""
    for name in server.environment:
        monkeypatch.delenv(name)
    why = "AWS was not asked: no credentials are found. `berth prices refresh` reads prices without any."
    assert market(Prices.LIVE).notes == (BUNDLE_NOTE, why)
    assert server.asked == []


def test_a_profile_that_is_gone_is_told(server: PriceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured and makes no sense is a note, not a traceback."""
    monkeypatch.setenv("AWS_PROFILE", "gone")
    session.cache_clear()
    bundle, why = market().notes
    assert bundle == BUNDLE_NOTE
    assert why.startswith("Prices, quotas and zones of us-east-1 could not be had: no AWS credentials can be had: ")


def test_the_bundle_needs_nothing_of_aws() -> None:
    """--offline imports no AWS SDK, no fetcher, and reads no cache."""
    code = (
        "import sys; from pricing.market import load_market, Prices, Purchase\n"
        "load_market(['us-east-1'], [Purchase.ON_DEMAND], prices=Prices.BUNDLED)\n"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in ('boto3', 'botocore', 'platformdirs')"
        " or name.startswith(('pricing.feeds', 'pricing.aws'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_offline_is_the_bundle_alone(server: PriceServer) -> None:
    """A cache, however young, does not change what --offline says: it is the same on every machine."""
    kept(snapshot())
    found = market(Prices.BUNDLED)
    assert usd(found) == Decimal("55.04")
    assert found.notes == (BUNDLE_NOTE,)
    assert server.asked == []


def test_a_young_cache_is_not_asked_again(server: PriceServer) -> None:
    """What was answered an hour ago is used as it is, and says how old it is."""
    market()
    asked = len(server.asked)
    server.usd["p5.48xlarge", REGION] = "1.25"
    found = market(now=NOW + timedelta(minutes=59))
    assert len(server.asked) == asked
    assert found.notes == ("Prices of us-east-1: cache of 59.0 min ago.",)
    assert usd(found) == Decimal("55.04")


def test_each_feed_ages_for_itself(server: PriceServer) -> None:
    """After two hours quotas are asked for anew, prices and zones are not."""
    market()
    server.asked.clear()
    market(now=NOW + timedelta(hours=2))
    assert server.calls == ["ListServiceQuotas"]


def test_live_asks_whatever_the_cache_has(server: PriceServer) -> None:
    """--live is for who knows that prices have moved."""
    market()
    server.usd["p5.48xlarge", REGION] = "1.25"
    assert usd(market(Prices.LIVE)) == Decimal("1.25")


@pytest.mark.parametrize(("age_days", "origin"), [(30, "cache of 30.0 days ago, for want of newer ones"), (365, "")])
def test_the_newer_of_old_cache_and_bundle_counts(age_days: int, origin: str) -> None:
    """Where AWS cannot be asked, an old answer is used as long as the bundle is older."""
    kept(snapshot(age=age_days * DAY))
    found = market()
    assert found.notes == ((f"Prices of us-east-1: {origin}.",) if origin else (BUNDLE_NOTE,))
    assert usd(found) == Decimal("1.25" if origin else "55.04")


def test_a_whole_list_replaces_the_bundles(server: PriceServer) -> None:
    """A type that AWS's list of a region lacks has no price there, whatever the bundle or another region says."""
    server.instead["GetProducts"] = lambda request: page(request, [product("g6.xlarge", REGION, {"USD": "0.8"})])
    found = market()
    assert [each.instance_type for each in found.offers] == ["g6.xlarge"]
    assert found.gap("p5.48xlarge", ON_DEMAND) == (
        "p5.48xlarge is sold in us-east-1, but no price as on-demand is known; "
        "the prices known there are capacity-block and spot."
    )


def test_other_terms_stay_what_they_were(server: PriceServer) -> None:
    """A list of prices on demand says nothing of spot: the bundle's spot prices are still there to compare with."""
    known = {each.purchase for each in market().other_offers}
    assert Purchase.SPOT in known
    assert "DescribeSpotPriceHistory" not in server.calls


def test_a_whole_list_of_zones_replaces_the_bundles(server: PriceServer) -> None:
    """A type that EC2 no longer lists in a region is not offered there; other regions keep what is known."""
    kept(snapshot(Feed.OFFERINGS))
    found = market(Prices.KNOWN, REGION, "us-west-2")
    assert {name for name, region in found.zone_ids if region == REGION} == {"p5.48xlarge"}
    assert found.zone_ids["p5.48xlarge", REGION] == ("use1-az6",)
    assert found.zone_ids["g6.xlarge", "us-west-2"]
    assert found.zone_ids["g5.xlarge", "eu-west-1"]
    assert [each.zone_ids for each in found.offers if (each.instance_type, each.region) == ("g6.xlarge", REGION)] == [
        ()
    ]
    assert offers(found)[0].zone_ids == ("use1-az6",)


def test_regions_fail_alone(server: PriceServer) -> None:
    """One region's price list that cannot be had leaves the other's."""
    usual = server.GetProducts

    def answer(request: Request) -> Reply:
        if request.filters["regionCode"] == ["us-west-2"]:
            return refusing("InternalErrorException", "Oops.")(request)
        return usual(request)

    server.instead["GetProducts"] = answer
    notes = market(Prices.AUTO, REGION, "us-west-2").notes
    assert notes[0] == LIVE_NOTE
    assert notes[1].startswith("Prices of us-west-2: bundled snapshot; ")
    assert notes[2] == (
        "Prices of us-west-2 could not be had: pricing:GetProducts in us-east-1: InternalErrorException: Oops."
    )


@pytest.mark.parametrize(
    ("purchase", "calls"),
    [
        (Purchase.ON_DEMAND, {"GetProducts"}),
        (Purchase.RESERVED_1YR, {"GetProducts"}),
        (Purchase.SPOT, {"DescribeSpotPriceHistory", "spot-advisor-data.json"}),
        (Purchase.SAVINGS_PLAN_1YR, {"DescribeSavingsPlansOfferingRates"}),
        (Purchase.COMPUTE_SAVINGS_PLAN_3YR, {"DescribeSavingsPlansOfferingRates"}),
        (Purchase.CAPACITY_BLOCK, {"DescribeCapacityBlockOfferings"}),
    ],
)
def test_only_what_a_plan_needs_is_asked_for(server: PriceServer, purchase: Purchase, calls: set[str]) -> None:
    """Each purchase asks for its own prices, beside zones and quotas, and a region takes as many requests as pages."""
    market(purchases=(purchase,))
    always = {"DescribeInstanceTypeOfferings", "ListServiceQuotas"}
    assert set(server.calls) - {"DescribeAvailabilityZones"} == calls | always


def test_a_region_takes_as_many_requests_as_pages(server: PriceServer) -> None:
    """However many types there are, none is asked for on its own."""
    market()
    assert sorted(each.call for each in server.asked) == [
        "DescribeInstanceTypeOfferings",
        # Shared and dedicated tenancy, and names that fill more than one filter.
        *["GetProducts"] * 3,
        # EC2's quotas and the VPC's.
        *["ListServiceQuotas"] * 2,
    ]


def test_only_what_is_billed_by_the_hour_is_an_offer() -> None:
    """What is paid up front, in part or whole, is no price per hour of a plan."""
    rows = [
        price(usd=usd, purchase=Purchase.RESERVED_1YR, payment=payment)
        for usd, payment in (("3", Payment.NO_UPFRONT), ("2", Payment.PARTIAL_UPFRONT), ("1", Payment.ALL_UPFRONT))
    ]
    kept(snapshot(Feed.PRICES, *rows))
    found = market(Prices.KNOWN, purchases=(Purchase.RESERVED_1YR,))
    assert [each.usd_per_hour_per_node for each in found.offers] == [3]


def test_blocks_are_offers_by_zone() -> None:
    """The cheapest block of a zone says what an hour of a node costs, over its real hours; its fee stays in sight."""
    blocks = [
        block(fee="4800"),
        block(fee="2400", count=1),
        block(fee="9600", zone_id="use1-az1"),
        block(fee="2399.999999", count=1),
    ]
    kept(snapshot(Feed.CAPACITY_BLOCKS, *blocks, age=timedelta(minutes=1)))
    found = market(Prices.KNOWN, purchases=(Purchase.CAPACITY_BLOCK,))
    prices = {each.zone_ids: round(each.usd_per_hour_per_node, 4) for each in offers(found)}
    assert prices == {("use1-az6",): 100, ("use1-az1",): 200}
    assert found.blocks == tuple(blocks)


def test_a_block_that_has_started_is_gone() -> None:
    """A cache of some days ago still has blocks that nobody can buy any more."""
    kept(snapshot(Feed.CAPACITY_BLOCKS, block(), age=timedelta(minutes=1)))
    later = market(Prices.KNOWN, purchases=(Purchase.CAPACITY_BLOCK,), now=NOW + 30 * DAY)
    assert (offers(later), later.blocks) == ([], ())


def test_a_file_without_credentials_is_nothing_to_tell(
    server: PriceServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who has only named a region in ~/.aws/config has no account, and reads the bundle's prices without a word."""
    for name in server.environment:
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text("[default]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    session.cache_clear()
    assert market().notes == (BUNDLE_NOTE,)
    assert any("no AWS credentials are found" in note for note in market(Prices.LIVE).notes)
    # The Spot Instance Advisor's file is for everybody.
    assert server.calls == ["spot-advisor-data.json"]


def test_spot_offers_are_by_zone() -> None:
    """Each zone's price is an offer of its own, and the age of an hour is past its time."""
    rows = [price(usd="9", purchase=Purchase.SPOT, zone_id=zone) for zone in ("use1-az1", "use1-az6")]
    kept(snapshot(Feed.SPOT, *rows, age=timedelta(hours=2)))
    found = market(purchases=(Purchase.SPOT,))
    assert [each.zone_ids for each in found.offers] == [("use1-az1",), ("use1-az6",)]
    assert found.notes == ("Spot prices of us-east-1: cache of 2.0 h ago, for want of newer ones.",)


def test_another_accounts_quotas_are_unknown(server: PriceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one account may have says nothing of another, whose prices are the same."""
    market()
    server.instead["ListServiceQuotas"] = refusing("AccessDeniedException")
    server.asked.clear()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    session.cache_clear()
    found = market()
    assert found.nodes_allowed("p5.48xlarge", Purchase.ON_DEMAND, REGION) is None
    assert server.calls == ["ListServiceQuotas"]


def test_components_are_banded_by_region() -> None:
    """Prices beside the instances' stand by component and region; one that AWS's answer lacks keeps the bundle's."""
    kept(snapshot(Feed.COMPONENTS))
    found = market(Prices.KNOWN)
    (get,) = found.components[Component.S3_GET_REQUEST, REGION]
    assert get.price == Decimal("4E-7") and get.provenance.source == "a test"
    (disk,) = found.components[Component.EBS_GP3_GIB_MONTH, REGION]
    assert disk.provenance.source != "a test"
    for bands in market(Prices.BUNDLED).components.values():
        starts = [each.starts_at for each in bands]
        assert starts == sorted(set(starts))


def test_who_waits_gets_all_that_a_plan_compares(server: PriceServer) -> None:
    """Other terms, HyperPod and fifteen requests for cents are for --live, not for a plan that should come at once."""
    market(Prices.LIVE)
    codes = {each.parameters["ServiceCode"] for each in server.asked if each.call == "GetProducts"}
    assert codes > {"AmazonEC2", "AmazonSageMaker"}
    other_terms = {"DescribeSpotPriceHistory", "DescribeSavingsPlansOfferingRates", "DescribeCapacityBlockOfferings"}
    assert other_terms < set(server.calls)


def test_a_list_of_types_asks_for_nothing_beside_their_prices(server: PriceServer) -> None:
    """`berth catalog --live` looks at every region, and shows one way to pay."""
    load_market((REGION,), ON_DEMAND, prices=Prices.LIVE, alone=True, now=NOW)
    assert server.calls == ["DescribeInstanceTypeOfferings", "GetProducts"]


@pytest.mark.parametrize("region", ["ca-west-1", "eusc-de-east-1"])
def test_a_region_that_the_bundle_lacks_can_be_asked(server: PriceServer, region: str) -> None:
    """A region without a bundled price is one all the same: AWS's answer makes its market."""
    assert market(Prices.BUNDLED, region).offers == ()
    server.usd["p5.48xlarge", region] = "60.5"
    assert usd(market(Prices.AUTO, region)) == Decimal("60.5")


def test_rates_of_interruption_are_there_for_spot() -> None:
    """How often spot instances are taken back is known by type and region."""
    kept(snapshot(Feed.INTERRUPTIONS))
    found = market(Prices.KNOWN).interruptions
    assert found["p5.48xlarge", REGION] == ROWS[Feed.INTERRUPTIONS]
    assert market(Prices.BUNDLED).interruptions["p5.48xlarge", REGION] != ROWS[Feed.INTERRUPTIONS]


@pytest.mark.parametrize(("days_ahead", "young"), [(0, True), (1, False)])
def test_a_cache_from_the_future_is_old(server: PriceServer, days_ahead: int, young: bool) -> None:
    """A clock that is off makes nothing young: AWS is asked again, and what it says takes the place."""
    path = kept(snapshot(age=-days_ahead * DAY))
    kept(snapshot(Feed.OFFERINGS))
    found = market()
    assert usd(found) == Decimal("1.25" if young else "55.04")
    assert ("GetProducts" in server.calls) is not young
    assert json.loads(path.read_text())["fetched_at"].startswith("2026-11-23")


def test_a_cache_from_the_future_is_told(server: PriceServer) -> None:
    """Where AWS cannot be asked either, the plan says that one of two clocks was off."""
    server.instead["GetProducts"] = refusing("RequestTimeTooSkewed")
    kept(snapshot(age=-DAY))
    based, failed, clock = market().notes
    assert based == "Prices of us-east-1: cache of 2026-11-24 12:00 UTC."
    assert "set this machine's clock" in failed
    assert clock.startswith("Prices of us-east-1 are kept as of 2026-11-24 12:00 UTC, and this machine's clock says")


def test_a_broken_cache_is_told_and_replaced_by_a_whole_answer(server: PriceServer) -> None:
    """A file cut in half is left out and said; the next whole answer takes its place."""
    path = kept(snapshot())
    path.write_bytes(path.read_bytes()[:-100])
    found = market()
    assert found.notes == (LIVE_NOTE, f"The cache {path} is cut short or of another format, and is left out.")
    assert read_cache(Feed.PRICES, REGION) is not None
    assert market().notes == ("Prices of us-east-1: cache of 1.0 min ago.",)


def test_known_asks_nobody(server: PriceServer) -> None:
    """Looking things up costs no request, and shows the cache however old."""
    kept(snapshot(age=3 * DAY))
    found = market(Prices.KNOWN)
    assert usd(found) == Decimal("1.25")
    assert server.asked == []
    assert not cache_path(Feed.OFFERINGS, REGION).exists()


RESERVED = "cr-0123456789abcdef0"


def test_a_reservation_is_asked_for_where_one_is_named(server: PriceServer) -> None:
    """The account's own capacity is nobody's business unless a plan is to use it; then its size and end are known."""
    assert market().held is None
    assert "DescribeCapacityReservations" not in server.calls
    kept(snapshot(Feed.RESERVATIONS))
    found = load_market((REGION,), ON_DEMAND, reservation=RESERVED, now=NOW)
    assert found.held is not None and found.held.reservation == ROWS[Feed.RESERVATIONS]
    assert not any(RESERVED in note for note in found.notes)


@pytest.mark.parametrize("known", [True, False])
def test_a_reservation_that_the_account_lacks_is_told(known: bool) -> None:
    """Only where AWS has answered can it be said that there is none."""
    if known:
        kept(snapshot(Feed.RESERVATIONS))
    found = load_market((REGION,), ON_DEMAND, prices=Prices.KNOWN, reservation="cr-0000000000000000f", now=NOW)
    assert found.held is None
    none = "The account has no reservation cr-0000000000000000f in us-east-1 that is active or to come."
    assert (none in found.notes) is known
