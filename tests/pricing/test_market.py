"""Does the market hold what was asked for, and explain what is missing?"""

from __future__ import annotations

import pytest

from pricing.errors import MarketError
from pricing.market import Market, load_market
from pricing.offer import Purchase

DEFAULT_REGIONS = ("us-east-1", "us-east-2", "us-west-2")


def market(*regions: str, purchases: tuple[Purchase, ...] = (Purchase.ON_DEMAND,)) -> Market:
    """The bundled market, on demand and in the default regions unless said otherwise."""
    return load_market(regions or DEFAULT_REGIONS, purchases)


def test_offers_are_those_asked_for() -> None:
    """Offers lie in the regions and on the terms asked for; other terms are kept apart."""
    found = market("us-east-2", purchases=(Purchase.SPOT,))
    assert {(each.region, each.purchase) for each in found.offers} == {("us-east-2", Purchase.SPOT)}
    assert {each.region for each in found.other_offers} == {"us-east-2"}
    assert Purchase.SPOT not in {each.purchase for each in found.other_offers}


def test_the_age_of_prices_is_said() -> None:
    """A plan from the bundle states the dates of the newest and the oldest price it could use."""
    notes = market().notes
    assert notes == ("Prices: bundled snapshot; the newest held on 2026-07-20, the oldest on 2026-04-30.",)


def test_bundled_spot_prices_are_called_indicative() -> None:
    """A spot price of some weeks ago is not passed off as today's."""
    assert "Bundled spot prices are indicative only: they move by the hour." in market(purchases=(Purchase.SPOT,)).notes


def test_other_currencies_are_left_out_with_a_reason() -> None:
    """A region priced in yuan gives no offer and says why."""
    found = market("cn-north-1")
    assert found.offers == ()
    assert found.notes == ("Prices of cn-north-1 are known in CNY only and are left out: plans are in USD.",)


@pytest.mark.parametrize(
    ("name", "regions", "purchases", "sentence"),
    [
        ("p5.48xlarge", (), (Purchase.ON_DEMAND,), ""),
        (
            "p5e.48xlarge",
            (),
            (Purchase.ON_DEMAND,),
            (
                "p5e.48xlarge is sold in us-east-2 and us-west-2, but no price as on-demand is known; "
                "the prices known there are capacity-block and spot."
            ),
        ),
        (
            "dl2q.24xlarge",
            (),
            (Purchase.ON_DEMAND, Purchase.SPOT),
            "dl2q.24xlarge is sold in us-west-2, but no price as on-demand or spot is known.",
        ),
        (
            "trn2u.48xlarge",
            (),
            (Purchase.ON_DEMAND,),
            "trn2u.48xlarge is not offered in us-east-1, us-east-2 or us-west-2, but in ap-south-2.",
        ),
        (
            "p5.48xlarge",
            ("eu-west-1",),
            (Purchase.ON_DEMAND,),
            (
                "p5.48xlarge is not offered in eu-west-1, but in ap-northeast-1, ap-northeast-2, ap-south-1, "
                "ap-southeast-2 and 9 more."
            ),
        ),
        (
            "trn2u.48xlarge",
            (),
            (Purchase.SPOT,),
            "trn2u.48xlarge is sold as capacity-block and on-demand only, not as spot.",
        ),
        (
            "p6e-gb200.36xlarge",
            (),
            (Purchase.CAPACITY_BLOCK,),
            "No source lists where p6e-gb200.36xlarge is offered, and no price is known.",
        ),
        (
            "g5.xlarge",
            ("us-gov-east-1",),
            (Purchase.ON_DEMAND,),
            "No price of g5.xlarge and no list of offers is known in us-gov-east-1.",
        ),
        ("g3.4xlarge", ("us-west-1",), (Purchase.SPOT,), "g3.4xlarge is retired: EC2 no longer offers it."),
    ],
)
def test_gaps_are_explained(
    name: str, regions: tuple[str, ...], purchases: tuple[Purchase, ...], sentence: str
) -> None:
    """Retired, not sold there, not sold like that and not priced are four different sentences."""
    assert market(*regions, purchases=purchases).gap(name, purchases) == sentence


def test_a_price_in_another_currency_is_why_there_is_none() -> None:
    """A type with a price in yuan is not said to be unknown in China."""
    sentence = "Prices of g4dn.xlarge in cn-north-1 are known in CNY only; plans are in USD."
    assert market("cn-north-1").gap("g4dn.xlarge", (Purchase.ON_DEMAND,)) == sentence


def test_a_gap_on_other_terms_than_those_loaded_is_closed_by_any_known_price() -> None:
    """Asking about terms that were not loaded is answered from the regions' other prices."""
    assert market().gap("p5e.48xlarge", (Purchase.SPOT,)) == ""


def test_every_type_has_an_offer_or_a_reason() -> None:
    """No instance type is missing from the market without a sentence."""
    found = market()
    offered = {each.instance_type for each in found.offers}
    silent = [name for name in found.instance_types if not found.gap(name, (Purchase.ON_DEMAND,))]
    assert set(silent) == offered


def test_unknown_regions_are_refused_together() -> None:
    """Each region of which nothing is known is a finding, with the region that may be meant."""
    with pytest.raises(MarketError) as caught:
        load_market(("us-east1", "us-east-2", "moon-base-1"), (Purchase.ON_DEMAND,))
    misspelt, unknown = caught.value.findings
    assert misspelt.startswith("No price and no offering is known of a region us-east1; did you mean us-east-1")
    assert unknown.startswith("No price and no offering is known of a region moon-base-1")


@pytest.mark.parametrize(
    ("zone", "region"),
    [
        ("use1-az6", "us-east-1"),
        ("usw2-az1", "us-west-2"),
        # Known although the market was asked for other regions.
        ("euw1-az1", "eu-west-1"),
        ("use1-az99", None),
        ("us-east-1a", None),
        ("", None),
    ],
)
def test_a_zone_lies_in_one_region(zone: str, region: str | None) -> None:
    """A zone id leads to its region, and one that no type is sold in leads nowhere."""
    assert market().region_of(zone) == region


def test_no_zone_lies_in_two_regions() -> None:
    """The region of a zone does not depend on the type or the order of the table."""
    found = market()
    for (_, region), zones in found.zone_ids.items():
        assert {found.region_of(zone) for zone in zones} == {region}
