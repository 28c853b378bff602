"""What a fleet's spot nodes and its hours cost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from planner.fleet_cost import Rates, all_day, by_hours
from pricing.offer import Purchase
from pricing.records import replace
from tests.planner.market_builders import decision, inference, machine, market, offer, workload

OWN = Rates(own_nodes=4, own_usd=Decimal(1), spot_usd=None, losses_per_hour=0.0, ready_s=360.0)
HALF = replace(OWN, own_nodes=2, spot_usd=Decimal("0.5"))
DAY = [2] * 12 + [4] * 12
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100"


def test_nodes_on_demand_come_first() -> None:
    """Two of four nodes at half the price: three quarters; of two nodes none is on spot."""
    assert all_day(HALF, 4) == Decimal(730 * 3)
    assert all_day(HALF, 2) == all_day(OWN, 2) == Decimal(730 * 2)


def test_a_spot_node_that_is_lost_is_paid_while_the_next_one_starts() -> None:
    """One loss an hour and 6 minutes to start are a tenth on top of the spot nodes' price."""
    assert all_day(replace(HALF, losses_per_hour=1.0), 4) == Decimal("2263.00")


def test_hours_are_paid_with_the_starts_that_they_take() -> None:
    """36 node-hours a half day each, and two nodes that start in a tenth of an hour once a day."""
    assert by_hours(OWN, Purchase.ON_DEMAND, DAY) == Decimal("2196.08")
    # On spot the two that come and go cost half.
    assert by_hours(HALF, Purchase.ON_DEMAND, DAY) == Decimal("1828.04")


@pytest.mark.parametrize(
    ("rates", "purchase"),
    [
        (OWN, Purchase.SAVINGS_PLAN_1YR),
        (replace(OWN, ready_s=None), Purchase.ON_DEMAND),
        (replace(HALF, spot_usd=None), Purchase.ON_DEMAND),
    ],
    ids=["paid anyway", "no time of a start", "no spot price"],
)
def test_what_is_not_known_is_not_told(rates: Rates, purchase: Purchase) -> None:
    """No sum stands on an unknown price or time, nor on hours that are paid whether used or not."""
    assert by_hours(rates, purchase, DAY) is None


def test_the_bill_of_a_fleet_is_what_its_stack_does() -> None:
    """Spot and hours are lines of the bill, the sums count them, and the tokens of the month bear the whole bill."""
    kinds = [machine("p5.one", memory_gib=9)]
    spot = offer("p5.one", "0.3", purchase=Purchase.SPOT)
    sold = market(kinds, [offer("p5.one", 1, zones=["use1-az4"])], other_offers=(spot,))

    def bill(target: str | None, **fleet: object) -> tuple[list[str], Decimal, Decimal, float]:
        serving = {"weights": "s3://my-models/dense", "certificate": CERTIFICATE}
        asked = workload(
            inference=inference(requests_per_second=4000, fleet=fleet),
            provision={"target": target, "serving": serving} if target else {},
        )
        cost = decision(asked, sold).plan.cost
        assert cost.usd_per_month == sum(each.usd_per_month or 0 for each in cost.lines)
        assert cost.usd_per_million_tokens is not None
        saved = [each.name for each in cost.lines if each.name.startswith("saved")]
        return saved, cost.usd_per_month, cost.usd_per_million_tokens, cost.load_share

    profile = [0.1] * 12 + [1.0] * 12
    plain, mixed = bill("serving-fleet"), bill("serving-fleet", spot_share=0.5)
    both = bill("serving-fleet", spot_share=0.5, profile=profile)
    assert plain[0] == [] and mixed[0] == ["saved on spot"] and both[0] == ["saved on spot", "saved by hours"]
    assert both[1] < mixed[1] < plain[1]
    assert plain[3] == mixed[3] == 1 and both[3] == pytest.approx(0.55)
    for _, month, million, share in (plain, mixed, both):
        tokens = 4000 * share * (512 + 128) * 730 * 3600
        assert float(million) == pytest.approx(float(month) / tokens * 1e6, rel=1e-3)
    # Without a fleet's stack nothing is bought on spot and nothing follows the hours.
    assert bill(None, spot_share=0.5, profile=profile)[0] == []
