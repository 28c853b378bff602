"""Does the chosen fleet stand beside itself on all other terms, each once and with what it would really cost?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.deals import deals_of
from planner.plan import Candidate, Deal
from planner.workload import Workload
from pricing.market import Market
from pricing.offer import Offer, Payment, Provenance, Purchase
from pricing.price import PriceRow, Quota, QuotaKind
from pricing.records import replace
from tests.planner.builders import examples
from tests.planner.market_builders import (
    SAID,
    inference,
    interrupted,
    machine,
    market,
    offer,
    plan,
    quota,
    workload,
)

KIND = machine("p5.one", memory_gib=9)
OWN = offer("p5.one", 3)
DEMAND, SPOT, BLOCK = Purchase.ON_DEMAND, Purchase.SPOT, Purchase.CAPACITY_BLOCK
RESERVED, SAVINGS = Purchase.RESERVED_1YR, Purchase.SAVINGS_PLAN_3YR
TRAINED = plan(workload(limits={"max_nodes": 1}), market([KIND], [OWN])).chosen
SERVED = plan(workload(inference=inference(), limits={"max_nodes": 4}), market([KIND], [OWN])).chosen


def running(hours: float, nodes: int = 2) -> Candidate:
    """A fleet that trains for so many hours."""
    assert TRAINED.run is not None
    run = replace(TRAINED.run, run_s=hours * 3600, band=replace(TRAINED.run.band, high=1.0))
    return replace(TRAINED, nodes=nodes, usd_per_hour=OWN.usd_per_hour_per_node * nodes, run=run)


def beside(others: Sequence[Offer], chosen: Candidate | None = None, own: Offer = OWN, **known: Any) -> list[Deal]:
    """The deals of a fleet bought by `own`, which is among the market's offers; the others are on other terms."""
    sold = market([KIND], [own], other_offers=tuple(others), **known)
    return list(deals_of(chosen or running(10), own, sold))


def terms(deals: Sequence[Deal]) -> list[tuple[str, Purchase, Decimal]]:
    """Where, how and for how much an hour and node."""
    return [(deal.region, deal.purchase, deal.usd_per_hour_per_node) for deal in deals]


def only(deals: Sequence[Deal], purchase: Purchase) -> Deal:
    """The deal on those terms."""
    (found,) = (deal for deal in deals if deal.purchase is purchase)
    return found


def test_every_terms_with_a_price_stand_once_cheapest_first() -> None:
    """One deal per region and purchase, the chosen fleet's own among them; spot by its cheapest zone."""
    others = [
        offer("p5.one", "2.5", region="us-east-2"),
        offer("p5.one", "0.9", purchase=SPOT, zones=["use1-az1"]),
        offer("p5.one", "0.7", purchase=SPOT, zones=["use1-az2"]),
        offer("p5.one", "0.8", purchase=SPOT, zones=["use1-az4"]),
        offer("p5.one", "0.7", purchase=SPOT, region="us-west-2"),
        offer("p5.one", 2, purchase=RESERVED),
        offer("p5.two", "0.1"),
    ]
    found = beside(others)
    assert terms(found) == [
        ("us-east-1", SPOT, Decimal("0.7")),
        ("us-west-2", SPOT, Decimal("0.7")),
        ("us-east-1", RESERVED, Decimal(2)),
        ("us-east-2", DEMAND, Decimal("2.5")),
        ("us-east-1", DEMAND, Decimal(3)),
    ]
    assert found[0].zone_ids == ("use1-az2",)
    assert found[0].provenance == OWN.provenance


def test_the_fleets_own_zone_stands_even_where_another_is_cheaper() -> None:
    """Who names a zone is shown that zone's price on the own terms, and not one that the plan does not have."""
    own = offer("p5.one", "0.9", purchase=SPOT, zones=["use1-az1"])
    found = beside([offer("p5.one", "0.7", purchase=SPOT, zones=["use1-az2"])], own=own)
    assert [(deal.zone_ids, deal.usd_per_hour_per_node) for deal in found] == [(("use1-az1",), Decimal("0.9"))]


def test_what_is_used_by_the_hour_by_hand() -> None:
    """Two nodes at $3 for ten hours, and for a month of 730: nothing is committed, nothing lies idle."""
    (found,) = beside([])
    assert (found.usd_per_run, found.usd_per_month) == (Decimal(60), Decimal(4380))
    assert found.committed_usd is found.idle_usd is None


def test_spot_restarts_are_in_its_run_and_not_in_its_month() -> None:
    """A thousand nodes that lose 5.34 % of a run pay so much more for it."""
    bands = interrupted(("p5.one", "us-east-1", 0.05, 0.10))
    spot = offer("p5.one", 1, purchase=SPOT)
    found = only(beside([spot], running(100, 1000), interruptions=bands), SPOT)
    # -ln(1 - 0.075) / 730 x 0.5 x 1000 = 0.0533983, of 1000 x 100 x $1.
    assert found.usd_per_run == Decimal("105339.83")
    assert found.usd_per_month == Decimal(730_000)
    # Where nobody states it: -ln(0.8) / 730 x 0.5 x 1000 = 0.1528381.
    assert only(beside([spot], running(100, 1000)), SPOT).usd_per_run == Decimal("115283.80")


@pytest.mark.parametrize(
    ("hours", "run", "idle"),
    [(10, "96", "56"), (23.5, "96", "2"), (24, "192", "96"), (14 * 24 + 1, "2016", "668")],
)
def test_a_block_is_paid_as_a_whole(hours: float, run: str, idle: str) -> None:
    """Two nodes at $2 in a Capacity Block: a run costs all of its days or weeks, used or not."""
    found = only(beside([offer("p5.one", 2, purchase=BLOCK)], running(hours)), BLOCK)
    assert (found.usd_per_run, found.committed_usd, found.idle_usd) == (Decimal(run), Decimal(run), Decimal(idle))


@pytest.mark.parametrize(("hours", "nodes"), [(182 * 24, 2), (10, 65)])
def test_a_block_that_nobody_sells_is_no_deal(hours: float, nodes: int) -> None:
    """Beyond 182 days or 64 instances the fleet cannot be bought as a block."""
    found = beside([offer("p5.one", 2, purchase=BLOCK)], running(hours, nodes))
    assert {deal.purchase for deal in found} == {DEMAND}


@pytest.mark.parametrize(
    ("purchase", "hours", "committed", "idle"),
    [
        # 2 nodes x $2 x 8,760 h, less what the run uses.
        (RESERVED, 10, "35040", "35000"),
        (RESERVED, 8760, "35040", "0"),
        # A run that outlasts the term takes another.
        (RESERVED, 8761, "70080", "35036"),
        (SAVINGS, 10, "105120", "105080"),
    ],
)
def test_a_commitment_is_told_beside_what_the_run_uses(
    purchase: Purchase, hours: float, committed: str, idle: str
) -> None:
    """What is committed to may serve other jobs: the run has its hours, the rest stands beside it as idle."""
    found = only(beside([offer("p5.one", 2, purchase=purchase)], running(hours)), purchase)
    assert found.usd_per_run == 4 * Decimal(hours)
    assert (found.committed_usd, found.idle_usd) == (Decimal(committed), Decimal(idle))


def test_a_service_has_months_and_no_runs() -> None:
    """Serving, a commitment is told in full, nothing is idle, and a block cannot hold what has no end."""
    others = [offer("p5.one", 2, purchase=each) for each in (RESERVED, BLOCK, SPOT)]
    for deal in beside(others, SERVED):
        assert deal.usd_per_run is deal.idle_usd is None
        assert deal.usd_per_month == deal.usd_per_hour_per_node * SERVED.nodes * 730
        assert (deal.committed_usd is None) == (deal.purchase is not RESERVED)


def test_each_deal_says_how_many_nodes_the_account_may_run() -> None:
    """The quota of the deal's own terms and region, None where it is not known."""
    others = [offer("p5.one", 1, purchase=each) for each in (SPOT, BLOCK, RESERVED)]
    quotas = (*quota(5, KIND), *quota(0, KIND, spot=True))
    found = beside([*others, offer("p5.one", 3, region="us-east-2")], quotas=quotas)
    allowed = {(deal.region, deal.purchase): deal.nodes_allowed for deal in found}
    assert allowed == {
        ("us-east-1", DEMAND): 5,
        ("us-east-1", SPOT): 0,
        ("us-east-1", BLOCK): None,
        ("us-east-1", RESERVED): 5,
        ("us-east-2", DEMAND): None,
    }


OFFERS = st.lists(
    st.builds(
        offer,
        st.sampled_from(["p5.one", "p5.one", "p5.two"]),
        st.integers(1, 400).map(lambda cents: Decimal(cents) / 100),
        region=st.sampled_from(["us-east-1", "us-east-2"]),
        purchase=st.sampled_from(list(Purchase)),
        zones=st.sampled_from([["z1"], ["z2"], []]),
    ),
    max_size=12,
)


@examples
@given(others=OFFERS, hours=st.floats(0.1, 20_000), serving=st.booleans())
def test_deals_cover_all_terms_and_never_charge_less_than_the_hours(
    others: list[Offer], hours: float, serving: bool
) -> None:
    """Exactly the terms with a price, each once, in order, none below its hours; in whatever order they are read."""
    chosen = SERVED if serving else running(hours)
    found = beside(others, chosen)
    sold = [each for each in others if serving or each.purchase is not BLOCK or hours <= 182 * 24 - 0.5]
    known = {(each.region, each.purchase) for each in sold if each.instance_type == "p5.one"}
    assert {(deal.region, deal.purchase) for deal in found} == known | {("us-east-1", DEMAND)}
    assert len(found) == len({(deal.region, deal.purchase) for deal in found})
    money = [deal.usd_per_month if serving else deal.usd_per_run or 0 for deal in found]
    assert money == sorted(money)
    for deal in found:
        same = [each for each in others if (each.region, each.purchase) == (deal.region, deal.purchase)]
        cheapest = min((each.usd_per_hour_per_node for each in same if each.instance_type == "p5.one"), default=None)
        if (deal.region, deal.purchase) != ("us-east-1", DEMAND):
            assert deal.usd_per_hour_per_node == cheapest
        if deal.usd_per_run is not None:
            used = deal.usd_per_hour_per_node * chosen.nodes * Decimal(hours)
            assert deal.usd_per_run >= used - Decimal("0.01")
        if deal.committed_usd is not None and deal.idle_usd is not None:
            assert 0 <= deal.idle_usd <= deal.committed_usd
    shuffled = others[:]
    random.Random(1).shuffle(shuffled)
    assert beside(shuffled, chosen) == found


def money(deals: Sequence[Deal], chosen: Candidate) -> Decimal | None:
    """What a plan's own deal says that it costs."""
    (own,) = (deal for deal in deals if (deal.region, deal.purchase) == (chosen.region, chosen.purchase))
    return own.usd_per_run if chosen.run else own.usd_per_month


TIES: list[tuple[Workload, Market]] = [
    (
        workload(limits={"max_nodes": 2, "purchase": ["spot", "capacity-block", "on-demand"], **limits}, **sections),
        market(
            [KIND],
            [
                offer("p5.one", "1.23456", purchase=purchase, zones=["use1-az4"]),
                # The same price but for a rounding, which is money over a long run.
                offer("p5.one", "1.23461", purchase=purchase, zones=["use1-az1"]),
            ],
            interruptions=interrupted(("p5.one", "us-east-1", 0.15, 0.20)),
        ),
    )
    for purchase in (SPOT, BLOCK, DEMAND)
    for sections in ({}, {"inference": inference()}, {"provision": {"zone": "use1-az1"}})
    for limits in ({}, {"budget": 10**6})
]


@pytest.mark.parametrize(("asked", "sold"), TIES)
def test_the_own_deal_is_the_plans_money(asked: Workload, sold: Market) -> None:
    """Among the deals the plan's own says what its headline says, to the cent."""
    found = plan(asked, sold)
    chosen = found.chosen
    paid = chosen.run.usd if chosen.run else chosen.service.usd_per_month if chosen.service else None
    assert money(found.deals, chosen) == paid


def managed(purchase: Purchase, usd: str, source: str, payment: Payment = Payment.UNSTATED) -> PriceRow:
    """A price of SageMaker's for the type."""
    return PriceRow(
        instance_type="ml.p5.one",
        region="us-east-1",
        purchase=purchase,
        payment=payment,
        price_per_hour_per_node=Decimal(usd),
        currency="USD",
        operating_system="linux",
        zone_id="",
        provenance=Provenance(source=source, as_of=SAID.as_of),
    )


def test_the_same_nodes_in_a_hyperpod_cluster_stand_beside() -> None:
    """SageMaker's price on demand and its Savings Plans are terms of their own, with the cluster's quota."""
    rows = (
        managed(DEMAND, "3.5", "SageMaker Cluster: a test"),
        managed(DEMAND, "3.1", "SageMaker Hosting: a test"),
        managed(SAVINGS, "2.5", "AWS Savings Plans, SageMaker plan, Cluster (HyperPod)", Payment.NO_UPFRONT),
        managed(RESERVED, "1", "AWS Savings Plans, SageMaker plan", Payment.ALL_UPFRONT),
    )
    counted = Quota(kind=QuotaKind.CLUSTER_INSTANCES, subject="ml.p5.one", region="us-east-1", value=Decimal(4))
    plan_of_ec2 = offer("p5.one", "2.2", purchase=SAVINGS)
    found = beside([plan_of_ec2], sagemaker=rows, quotas=(counted,))
    assert [(each.instance_type, each.purchase, each.usd_per_hour_per_node, each.nodes_allowed) for each in found] == [
        ("p5.one", SAVINGS, Decimal("2.2"), None),
        ("ml.p5.one", SAVINGS, Decimal("2.5"), 4),
        ("p5.one", DEMAND, Decimal(3), None),
        ("ml.p5.one", DEMAND, Decimal("3.5"), 4),
    ]
    assert found[1].committed_usd == Decimal("2.5") * 2 * 3 * 365 * 24
