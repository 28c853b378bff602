"""Is everything that a plan knows of its fleet said, and what it does not know?"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import fields

from planner.fleet_record import FleetPlan
from planner.plan import Candidate
from planner.report.fleet import fleet_rows
from pricing.offer import Purchase
from pricing.records import replace
from tests.planner.market_builders import inference, market, offer, plan, serving_machines, workload


def planned(spot_share: float = 0.5) -> tuple[FleetPlan, Candidate]:
    """A fleet that follows a day, with a spare node and some spot that has no price."""
    zones = ["use1-az4", "use1-az6"]
    sold = market(serving_machines(), [offer("p5.small", 1, zones=zones), offer("p5.large", 5, zones=zones)])
    fleet = {"spare": "node", "spot_share": spot_share, "profile": [0.2] * 12 + [1.0] * 12}
    found = plan(workload(inference=inference(requests_per_second=2000, fleet=fleet)), sold)
    assert found.fleet
    return found.fleet, found.chosen


def test_every_part_of_a_fleet_has_its_row() -> None:
    """Replicas, spares, hours, spot, tokens, loading and the cheapest by load, in this order."""
    fleet, chosen = planned()
    rows = fleet_rows(fleet, chosen)
    assert [name for name, _ in rows if name][:6] == ["replicas", "nodes", "scaling", "by hour", "spot", "tokens"]
    said = dict(rows)
    assert "1 spare, so that one may be lost" in said["nodes"]
    assert said["by hour"].count(" ") == 23
    assert (
        said["scaling"] == "3 to 8 nodes: its cost is not known, since no spot price of p5.small is known in us-east-1"
    )
    assert "no spot price of p5" in said["spot"]
    assert "chosen" in said["from s3"] and "chosen" not in said["from ebs"]
    assert "requests/s: p5" in said["cheapest at"]


def test_following_the_hours_says_what_it_saves() -> None:
    """A fleet on demand that runs fewer nodes at night costs less than all of them all day."""
    assert "less than all nodes all day" in dict(fleet_rows(*planned(spot_share=0.0)))["scaling"]


def test_spot_at_a_price_says_what_a_month_costs() -> None:
    """Where a spot price is known the mixed bill is told."""
    fleet, chosen = planned()
    mixed = replace(fleet, mixed_usd_per_month=Decimal("123.45"))
    assert "$123.45 a month" in dict(fleet_rows(mixed, chosen))["spot"]


def test_a_lock_that_does_not_say_how_often_is_not_read_as_never() -> None:
    """A fleet that an older Berth locked has no count of losses, and none is told."""
    fleet, chosen = planned()
    assert fleet.losses_per_month is not None
    assert "times a month" in dict(fleet_rows(fleet, chosen))["spot"]
    assert "times a month" not in dict(fleet_rows(replace(fleet, losses_per_month=None), chosen))["spot"]
    assert {each.name: each.default for each in fields(FleetPlan)}["losses_per_month"] is None


def test_a_commitment_does_not_follow_the_load() -> None:
    """What is paid by the year costs the same in the night: the saving is not known, and not made up."""
    fleet, chosen = planned()
    assert chosen.purchase is Purchase.ON_DEMAND
    committed = replace(fleet, scaled_usd_per_month=None)
    assert "its cost is not known" in dict(fleet_rows(committed, chosen))["scaling"]
    bought = dict(fleet_rows(committed, replace(chosen, purchase=Purchase.SAVINGS_PLAN_1YR)))
    assert "savings-plan-1yr is paid for whether nodes run or not" in bought["scaling"]
