"""Do quotas, interruptions and blocks move the choice?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from planner.errors import NoFeasiblePlan
from planner.plan import Plan
from planner.workload import Workload
from pricing.offer import Offer, Purchase
from pricing.price import Quota
from pricing.records import replace
from pricing.reservation import held
from tests.planner.market_builders import (
    NOW,
    decision,
    interrupted,
    machine,
    market,
    offer,
    plan,
    quota,
    three_machines,
    training,
    workload,
)
from tests.pricing.snapshots import reservation


def offers_of(*purchases: Purchase) -> tuple[Offer, ...]:
    return tuple(offer("p5.small", 1 + place, purchase=each) for place, each in enumerate(purchases))


def test_only_accepted_purchases_are_chosen() -> None:
    """The cheapest way to pay that the user accepts is the chosen one's."""
    sold = market(three_machines()[:1], offers_of(Purchase.SPOT, Purchase.ON_DEMAND))
    found = decision(workload(limits={"purchase": ["spot", "on-demand"]}), sold)
    assert (found.plan.chosen.purchase, found.build.purchase) == (Purchase.SPOT, Purchase.SPOT)


ONE = machine("p5.one", memory_gib=6)
TWO = machine("p5.two", memory_gib=6)
EAST, OHIO, WEST = "us-east-1", "us-east-2", "us-west-2"
DEMAND, SPOT, BLOCK = Purchase.ON_DEMAND, Purchase.SPOT, Purchase.CAPACITY_BLOCK
# Cheapest first.
LADDER = (
    offer("p5.one", 1, purchase=SPOT),
    offer("p5.one", 2),
    offer("p5.one", 3, region=OHIO),
    offer("p5.two", 9, region=WEST),
)


@pytest.mark.parametrize(
    ("quotas", "nodes", "chosen"),
    [
        # A quota that is not known is no limit.
        ((), 2, ("p5.one", EAST, SPOT)),
        (quota(2, ONE, spot=True), 2, ("p5.one", EAST, SPOT)),
        # Another way to pay, then another region, then another type.
        (quota(1, ONE, spot=True), 2, ("p5.one", EAST, DEMAND)),
        (quota(1, ONE, spot=True), 1, ("p5.one", EAST, SPOT)),
        ((*quota(0, ONE, spot=True), *quota(0, ONE)), 1, ("p5.one", OHIO, DEMAND)),
        ((*quota(1, ONE, spot=True), *quota(1.99, ONE)), 2, ("p5.one", OHIO, DEMAND)),
        (
            (*quota(0, ONE, spot=True), *quota(0, ONE), *quota(0, ONE, region=OHIO)),
            1,
            ("p5.two", WEST, DEMAND),
        ),
        # The other type's own quota is another one.
        (quota(0, TWO, region=WEST), 2, ("p5.one", EAST, SPOT)),
    ],
)
def test_a_quota_moves_the_choice(quotas: tuple[Quota, ...], nodes: int, chosen: tuple[str, str, Purchase]) -> None:
    """What the account may not run is not planned: the fleet is bought otherwise, elsewhere, or of another type."""
    asked = workload(pin={"nodes": nodes}, limits={"purchase": ["on-demand", "spot"]})
    found = decision(asked, market([ONE, TWO], LADDER, quotas=quotas))
    for each in (found.plan.chosen, found.build):
        assert (each.instance_type, each.region, each.purchase, each.nodes) == (*chosen, nodes)
    # The bill is that of the offer taken, and not of the cheapest.
    assert found.plan.cost.lines[0].usd_per_hour == found.plan.chosen.usd_per_hour
    assert chosen[1:] in {(each.region, each.purchase) for each in found.plan.deals}


def test_a_quota_may_take_a_smaller_fleet() -> None:
    """Where the fastest fleet is larger than the quota, the fastest within it is chosen, on terms that hold it."""
    fast = machine("p5.fast", memory_gib=6, network_bytes_per_s=1e12)
    sold = [offer("p5.fast", 1, purchase=SPOT), offer("p5.fast", 5)]
    asked = workload(objective="time", limits={"max_nodes": 4, "purchase": ["on-demand", "spot"]})
    found = [
        plan(asked, market([fast], sold, quotas=(*quota(most, fast, spot=True), *quota(2, fast)))).chosen
        for most in (4, 2, 1)
    ]
    assert [(each.nodes, each.purchase) for each in found] == [(4, SPOT), (2, SPOT), (2, DEMAND)]


@pytest.mark.parametrize(
    ("low", "spot_usd", "nodes", "chosen"),
    [
        # Nobody is interrupted so often, but then spot is no bargain: 6.9 a month each, 0.5 % of the run a node.
        (0.999, "1.9", 32, DEMAND),
        (0.999, "1.9", 1, SPOT),
        (0.2, "1.9", 32, SPOT),
        # Two percent cheaper, 0.49 % lost: -ln(0.8) / 730 x 0.5 x 32.
        (0.2, "1.96", 32, SPOT),
        (0.2, "1.992", 32, DEMAND),
        (0.2, "1.988", 32, SPOT),
        (None, "1.992", 32, DEMAND),
        (None, "1.96", 32, SPOT),
    ],
)
def test_spot_is_chosen_where_it_is_cheaper_with_its_restarts(
    low: float | None, spot_usd: str, nodes: int, chosen: Purchase
) -> None:
    """Beside $2 on demand, spot is taken at a price that leaves room for what interruptions waste."""
    bands = interrupted(("p5.one", EAST, low, low)) if low is not None else {}
    sold = market([ONE], [offer("p5.one", spot_usd, purchase=SPOT), offer("p5.one", 2)], interruptions=bands)
    limits = {"purchase": ["on-demand", "spot"], "deadline": "3650d"}
    asked = workload(training=training(global_batch=32), pin={"nodes": nodes}, limits=limits)
    assert plan(asked, sold).chosen.purchase is chosen


@pytest.mark.parametrize(("days", "chosen"), [(0.5, DEMAND), (0.9, BLOCK), (1.05, DEMAND), (1.95, BLOCK)])
def test_a_block_is_chosen_where_its_days_are_used(days: float, chosen: Purchase) -> None:
    """A block at half the price is dearer for a run that uses less than half of the days in which it surely ends."""
    sold = market([ONE], [offer("p5.one", "1", purchase=BLOCK), offer("p5.one", 2)])

    def asked(tokens: int) -> Workload:
        limits = {"purchase": ["on-demand", "capacity-block"], "deadline": "3650d", "max_nodes": 1}
        return workload(training=training(tokens=tokens), limits=limits)

    run = plan(asked(10**12), sold).chosen.run
    assert run is not None
    run_s = (days * 86_400 - 1800) / run.band.high
    tokens = round(10**12 * (run_s - run.start_up_s) / (run.run_s - run.start_up_s))
    found = plan(asked(tokens), sold).chosen
    assert found.run is not None
    assert found.run.latest_s + 1800 == pytest.approx(days * 86_400, rel=1e-4)
    assert found.purchase is chosen


def test_a_budget_is_for_the_whole_block() -> None:
    """Money for the hours of a run is not enough where its block has a day more."""
    sold = market([ONE], [offer("p5.one", 10, purchase=BLOCK)])
    limits = {"purchase": ["capacity-block"], "max_nodes": 1}
    found = plan(workload(limits=limits), sold).chosen
    assert found.run is not None
    assert found.run.run_s < 20 * 3600 and found.run.usd == 240
    assert plan(workload(limits={**limits, "budget": 240}), sold).chosen.run == found.run
    with pytest.raises(NoFeasiblePlan, match=r"costs \$240\.00 a run \(the budget is \$239\.99\)"):
        plan(workload(limits={**limits, "budget": 239.99}), sold)


RESERVED = {"reservation": "cr-0123456789abcdef0", "zone": "use1-az6"}
KIND = machine("p5.48xlarge", memory_gib=6)
PINNED = {"instance_type": KIND.name}


def reserved(purchase: Purchase, *, hours: float | None, count: int = 4, **sections: Any) -> Plan:
    """The plan in a reservation that ends so many hours after July's first noon."""
    ends_at = None if hours is None else NOW + timedelta(hours=hours)
    by_block = purchase is BLOCK
    own = replace(reservation(ends_at, is_block=by_block, count=count), starts_at=NOW - timedelta(hours=1))
    sold = market([KIND], [offer(KIND.name, 2, purchase=purchase)], held=held(own, NOW))
    limits = {"purchase": [str(purchase)], "deadline": "3650d"}
    return plan(workload(**{"pin": PINNED, "provision": RESERVED, "limits": limits, **sections}), sold)


def test_a_bought_block_is_paid_as_it_is() -> None:
    """Not the smallest block that is sold, but the one that the account has, is what the run costs."""
    found = reserved(BLOCK, hours=99)
    run = found.chosen.run
    assert run is not None and found.chosen.nodes < 4
    assert run.usd == 2 * 4 * 100
    (own,) = [each for each in found.deals if each.purchase is BLOCK]
    assert own.usd_per_run == 800
    assert own.committed_usd == 800
    (idle,) = [each for each in found.cost.lines if each.name == "idle reserved capacity"]
    assert idle.basis.startswith("400 node-hours are paid for, ")
    assert any("holds 4 x p5.48xlarge in use1-az6 until 2026-07-05 15:00 UTC" in each for each in found.warnings)


@pytest.mark.parametrize("purchase", [BLOCK, DEMAND])
def test_a_reservation_that_ends_too_soon_holds_no_plan(purchase: Purchase) -> None:
    """A run that may outlast what it runs in is refused, with what of the reservation is left."""
    with pytest.raises(NoFeasiblePlan, match=r"outlasts cr-0123456789abcdef0 to the edge of the band: .* can be used"):
        reserved(purchase, hours=1)


@pytest.mark.parametrize("purchase", [BLOCK, DEMAND])
def test_a_fleet_is_no_larger_than_its_reservation(purchase: Purchase) -> None:
    """Two reserved instances run two nodes at most."""
    with pytest.raises(NoFeasiblePlan, match="the account's reservation and quotas allow 2 as"):
        reserved(purchase, hours=None if purchase is DEMAND else 9999, count=2, pin={**PINNED, "nodes": 4})


def test_what_is_reserved_and_not_used_is_billed() -> None:
    """Instances of a reservation that the fleet leaves over cost as much as those that run."""
    found = reserved(DEMAND, hours=None, pin={**PINNED, "nodes": 1})
    (idle,) = [each for each in found.cost.elsewhere if each.name == "idle reserved capacity"]
    assert idle.usd_per_hour == 2 * 3
    assert idle.basis == "3 of the 4 instances of cr-0123456789abcdef0, billed whether they run or not"
    assert any(each.endswith("in use1-az6 until it is cancelled.") for each in found.warnings)
    whole = reserved(DEMAND, hours=None, count=1, pin={**PINNED, "nodes": 1})
    assert not [each for each in whole.cost.elsewhere if each.name == "idle reserved capacity"]


def test_another_reservation_than_asked_for_is_refused() -> None:
    """A block that is to be used on demand is told as what it is."""
    own = reservation(NOW + timedelta(hours=99), is_block=True)
    sold = market([KIND], [offer(KIND.name, 2)], held=held(own, NOW))
    with pytest.raises(NoFeasiblePlan, match="cr-0123456789abcdef0 holds it in use1-az6, as capacity-block"):
        plan(workload(pin=PINNED, provision=RESERVED), sold)


def test_a_reservation_that_nobody_looked_up_is_told() -> None:
    """Without credentials the plan counts on what it cannot see, and says so."""
    found = plan(workload(pin=PINNED, provision=RESERVED), market([KIND], [offer(KIND.name, 2)]))
    assert any(
        each.startswith("What cr-0123456789abcdef0 holds, and until when, was not looked up") for each in found.warnings
    )
