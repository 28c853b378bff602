"""Is every line of a bill the sum that a reader would do on paper, and is nothing unknown counted as free?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.alternatives import other_uses
from planner.cost import cost_of, usd_of_hours, wasted_share
from planner.plan import Cost, CostLine, Target
from planner.terms import RunHours
from planner.usage import uses
from planner.workload import Provision, Workload
from pricing.market import Market
from pricing.offer import Offer, Payment, Provenance, Purchase
from pricing.price import Component, PriceRow, Quota, QuotaKind
from pricing.records import replace
from pricing.sagemaker import named
from tests.planner.builders import DENSE, ZERO1, examples, recipe
from tests.planner.market_builders import SAID, inference, interrupted, machine, market, offer, priced, workload

KIND = machine("p5.one")
DEMAND, SPOT, BLOCK = Purchase.ON_DEMAND, Purchase.SPOT, Purchase.CAPACITY_BLOCK
RESERVED = Purchase.RESERVED_1YR
TRAIN = workload()
SERVE = workload(inference=inference())
# What is sold by the month is a round sum an hour: 730 of them.
PRICES = {
    Component.EBS_GP3_GIB_MONTH: "0.073",
    Component.S3_STANDARD_GIB_MONTH: "730",
    Component.S3_PUT_REQUEST: "0.001",
    Component.NAT_GATEWAY_HOUR: "0.05",
    Component.NAT_GATEWAY_GIB: "0.04",
    Component.PUBLIC_ADDRESS_HOUR: "0.005",
    Component.LOGS_INGESTED_GIB: "0.5",
    Component.METRIC_MONTH: "0.73",
    Component.ALARM_MONTH: "0.73",
    Component.DASHBOARD_MONTH: "2.19",
    Component.LOAD_BALANCER_HOUR: "0.02",
    Component.EKS_CLUSTER_HOUR: "0.1",
    Component.PCS_SMALL_CONTROLLER_HOUR: "0.6",
    Component.PCS_MEDIUM_CONTROLLER_HOUR: "3",
}


def sold_with(prices: Mapping[Component, str] = PRICES, offers: Iterable[Offer] = (), **known: Any) -> Market:
    """A market of one type and these components."""
    return market([KIND], offers, components=priced(prices), **known)


def bill(
    sold: Market,
    *,
    asked: Workload = TRAIN,
    bought: Offer | None = None,
    nodes: int = 2,
    hours: float | None = 10.0,
) -> Cost:
    """The bill of two nodes at $3 an hour for ten hours, unless told otherwise."""
    made = ZERO1 if asked.training else recipe("bf16", of="vllm")
    run = None if hours is None else RunHours(expected=hours, latest=hours)
    return cost_of(asked, DENSE, made, bought or offer("p5.one", 3), nodes, run, sold)


def line(found: Cost, name: str) -> CostLine:
    """The line of that name."""
    (only,) = (each for each in (*found.lines, *found.elsewhere) if each.name == name)
    return only


def amounts(each: CostLine) -> tuple[Any, Any, Any]:
    """What a line costs an hour, a run and a month."""
    return each.usd_per_hour, each.usd_per_run, each.usd_per_month


def usd(*figures: str | None) -> tuple[Decimal | None, ...]:
    return tuple(None if each is None else Decimal(each) for each in figures)


def test_a_small_training_by_hand() -> None:
    """Two nodes at $3 for ten hours: every line an hour, a run and a month, and their sums."""
    found = bill(sold_with())
    # 32,514,560 weights at 12 bytes, twice: 780,349,440 of 1,073,741,824 bytes, a dollar an hour each GiB.
    stored = "0.726757"
    # 390,174,720 bytes in parts of 8,388,608 are 47, twice an hour.
    expected = {
        "instances": usd("6", "60", "4380"),
        # 2 nodes x 300 GiB x $0.073 / 730 h.
        "root volumes": usd("0.06", "0.6", "43.8"),
        "checkpoints in S3": usd(stored, "7.26757", "530.532646"),
        # 94 an hour at a tenth of a cent.
        "checkpoint uploads": usd("0.094", "0.94", "68.62"),
        "NAT gateway": usd("0.05", "0.5", "36.5"),
        # 2 nodes x 20 GiB x $0.04, at the start.
        "bytes through NAT": usd("0", "1.6", "1.6"),
        "public address": usd("0.005", "0.05", "3.65"),
        # 2 nodes x 7 metrics x $0.73 / 730 h.
        "detailed monitoring": usd("0.014", "0.14", "10.22"),
        # 2 nodes x 0.001 GiB x $0.50.
        "flow logs": usd("0.001", "0.01", "0.73"),
        # 8 metrics and 4 of each node, one alarm, one dashboard.
        "custom metrics": usd("0.016", "0.16", "11.68"),
        "alarms": usd("0.001", "0.01", "0.73"),
        "dashboard": usd("0.003", "0.03", "2.19"),
    }
    assert {each.name: amounts(each) for each in found.lines} == {
        name: pytest.approx(figures, abs=Decimal("0.000004")) for name, figures in expected.items()
    }
    assert found.unpriced == ()
    sums = (found.usd_per_hour, found.usd_per_run, found.usd_per_month)
    # 6 + 0.06 + 0.726757 + 0.094 + 0.05 + 0.005 + 0.014 + 0.001 + 0.02; ten times that, and 1.6; 730 times, and 1.6.
    assert sums == pytest.approx(usd("6.970757", "71.30757", "5090.252646"), abs=Decimal("0.00001"))
    assert amounts(line(found, "EKS")) == usd("0.1", "1", "73")
    assert amounts(line(found, "AWS PCS")) == usd("0.6", "6", "438")


def test_a_small_service_by_hand() -> None:
    """Three nodes at $2 that serve: by the hour and the month, and nothing by the run."""
    found = bill(sold_with(), asked=SERVE, bought=offer("p5.one", 2), nodes=3, hours=None)
    expected = {
        "instances": usd("6", None, "4380"),
        # 3 nodes x 300 GiB x $0.073 / 730 h.
        "root volumes": usd("0.09", None, "65.7"),
        # 32,514,560 weights at 2 bytes: 65,029,120 of 1,073,741,824 bytes, a dollar an hour each GiB.
        "weights in S3": usd("0.060563", None, "44.211"),
        "NAT gateway": usd("0.05", None, "36.5"),
        # 3 nodes x 20 GiB x $0.04, at the start.
        "bytes through NAT": usd("0", None, "2.4"),
        "public address": usd("0.005", None, "3.65"),
        # 3 nodes x 7 metrics x $0.73 / 730 h.
        "detailed monitoring": usd("0.021", None, "15.33"),
        # 3 nodes x 0.001 GiB x $0.50.
        "flow logs": usd("0.0015", None, "1.095"),
        # 8 metrics and 4 of each node, one alarm, one dashboard.
        "custom metrics": usd("0.02", None, "14.6"),
        "alarms": usd("0.001", None, "0.73"),
        "dashboard": usd("0.003", None, "2.19"),
    }
    got = {each.name: amounts(each) for each in found.lines}
    assert got.keys() == expected.keys()
    for name, (hour, run, month) in expected.items():
        assert (got[name][0], got[name][2]) == pytest.approx((hour, month), abs=Decimal("0.0003"))
        assert got[name][1] is run is None
    assert found.usd_per_run is None
    assert found.usd_per_hour == pytest.approx(Decimal("6.252063"), abs=Decimal("0.000002"))
    assert found.usd_per_month == pytest.approx(Decimal("4566.406"), abs=Decimal("0.001"))
    assert amounts(line(found, "load balancer")) == usd("0.02", None, "14.6")
    assert amounts(line(found, "EKS")) == usd("0.1", None, "73")


def test_a_bill_has_a_line_for_every_use() -> None:
    """What a plan uses stands in its bill once and in the same order; what it might use stands elsewhere."""
    for asked, made in ((TRAIN, ZERO1), (SERVE, recipe("bf16", of="vllm"))):
        found = bill(sold_with(), asked=asked, hours=10.0 if asked.training else None)
        assert [each.name for each in found.lines] == ["instances", *(use.name for use in uses(asked, DENSE, made))]
        others = [use.name for use in other_uses(asked, 2)]
        assert [each.name for each in found.elsewhere] == ["SageMaker HyperPod", *others]


def test_where_prices_fall_with_the_amount_the_first_one_counts() -> None:
    """A price for the first terabytes holds for all, which errs on the dear side and never on the cheap one."""
    tiers = priced({**PRICES, Component.S3_STANDARD_GIB_MONTH: "730"})
    dear, cheap = (priced({Component.S3_STANDARD_GIB_MONTH: each}) for each in ("730", "73"))
    key = next(iter(dear))
    found = bill(market([KIND], [], components={**tiers, key: (*dear[key], *cheap[key])}))
    assert found == bill(sold_with())


def sums(lines: Iterable[CostLine]) -> tuple[Decimal, Decimal | None, Decimal]:
    """The sums over lines with a price."""
    known = [each for each in lines if each.usd_per_hour is not None]
    runs = [each.usd_per_run for each in known if each.usd_per_run is not None]
    return (
        sum((each.usd_per_hour or Decimal(0) for each in known), Decimal(0)),
        sum(runs, Decimal(0)) if runs else None,
        sum((each.usd_per_month or Decimal(0) for each in known), Decimal(0)),
    )


# The components that the stacks of a training and of a service have, by the line that each stands in.
COMPONENTS = {use.name: use.component for use in (*uses(TRAIN, DENSE, ZERO1), *uses(SERVE, DENSE, ZERO1))}


@examples
@given(
    missing=st.sets(st.sampled_from(sorted(PRICES))),
    asked=st.sampled_from([TRAIN, SERVE]),
    purchase=st.sampled_from(list(Purchase)),
    nodes=st.integers(1, 40),
    hours=st.floats(0.01, 2000),
)
def test_what_has_no_price_is_named_and_never_free(
    missing: set[Component], asked: Workload, purchase: Purchase, nodes: int, hours: float
) -> None:
    """Without a component's price its line is unknown, named, and not in the sums, which are of the other lines."""
    known = {key: value for key, value in PRICES.items() if key not in missing}
    bought = offer("p5.one", 3, purchase=purchase)
    terms: dict[str, Any] = {
        "asked": asked,
        "bought": bought,
        "nodes": nodes,
        "hours": hours if asked.training else None,
    }
    full, found = bill(sold_with(), **terms), bill(sold_with(known), **terms)
    assert [each.name for each in found.lines] == [each.name for each in full.lines]
    lost = {name for name, component in COMPONENTS.items() if component in missing}
    for each, priced_line in zip(found.lines, full.lines, strict=True):
        if each.name in lost:
            assert amounts(each) == (None, None, None)
            assert "no price of" in each.basis
        else:
            assert each == priced_line
            assert each.usd_per_hour is not None and each.usd_per_month is not None
            assert (each.usd_per_run is None) == (asked is SERVE)
    assert set(found.unpriced) == lost & {each.name for each in full.lines}
    assert (found.usd_per_hour, found.usd_per_run, found.usd_per_month) == sums(found.lines)
    assert found.usd_per_hour <= full.usd_per_hour
    assert found.usd_per_month <= full.usd_per_month
    assert (found.usd_per_run or 0) <= (full.usd_per_run or 0)
    assert set(found.unpriced) >= set(full.unpriced)
    for each in found.elsewhere:
        unknown = each.name == "SageMaker HyperPod" or "no price of" in each.basis
        assert (each.usd_per_month is None) == unknown


@examples
@given(data=st.data(), purchase=st.sampled_from(list(Purchase)), asked=st.sampled_from([TRAIN, SERVE]))
def test_more_never_costs_less(data: st.DataObject, purchase: Purchase, asked: Workload) -> None:
    """Another node, another hour or a dearer price never makes any sum smaller."""
    sold = sold_with(interruptions=interrupted(("p5.one", "us-east-1", 0.1, 0.2)))
    nodes, hours, price = data.draw(st.tuples(st.integers(1, 40), st.floats(0.1, 2000), st.integers(1, 100)))
    more = data.draw(st.tuples(st.integers(0, 40), st.floats(0, 2000), st.integers(0, 100)))
    assume(any(more))
    found, larger = (
        bill(
            sold,
            asked=asked,
            bought=offer("p5.one", price + extra[2], purchase=purchase),
            nodes=nodes + extra[0],
            hours=hours + extra[1] if asked.training else None,
        )
        for extra in ((0, 0, 0), more)
    )
    assert larger.usd_per_hour >= found.usd_per_hour
    assert (larger.usd_per_run or 0) >= (found.usd_per_run or 0)
    if asked.inference or purchase is not BLOCK:
        assert larger.usd_per_month >= found.usd_per_month
    if more[0] or more[2]:
        assert larger.usd_per_hour > found.usd_per_hour


@pytest.mark.parametrize(
    ("low", "high", "share"),
    [
        # -ln(1 - 0.025) / 730 h x half an hour: 0.0253178 / 730 / 2.
        (0, 0.05, 1.734096e-5),
        # -ln(1 - 0.075): 0.0779615.
        (0.05, 0.10, 5.339830e-5),
        # Of the open band the lower edge: -ln(0.8) = 0.2231436.
        (0.20, 0.20, 1.528381e-4),
        (0, 0, 0),
    ],
)
def test_what_interruptions_waste_follows_from_their_band(low: float, high: float, share: float) -> None:
    """The band's middle gives a rate by the hour; each loss costs a restart and half the time between checkpoints."""
    sold = sold_with(interruptions=interrupted(("p5.one", "us-east-1", low, high)))
    assert wasted_share(offer("p5.one", 3, purchase=SPOT), sold) == pytest.approx(share, rel=1e-6)
    assert wasted_share(offer("p5.one", 3), sold) == 0
    # What nobody states is taken to be as bad as the worst that is published.
    assert wasted_share(offer("p5.one", 3, purchase=SPOT, region="us-east-2"), sold) == pytest.approx(1.528381e-4)
    assert wasted_share(offer("p5.two", 3, purchase=SPOT), sold) == pytest.approx(1.528381e-4)


def test_node_hours_on_spot_are_paid_with_what_interruptions_waste() -> None:
    """Ten hours of two nodes at $3 are $60 on demand; on spot any of the two nodes' losses adds to them."""
    sold = market([KIND], [])
    assert usd_of_hours(offer("p5.one", 3), 2, 20.0, sold) == 60
    spot = float(usd_of_hours(offer("p5.one", 3, purchase=SPOT), 2, 20.0, sold))
    assert spot == pytest.approx(60 * (1 + 2 * 1.528381e-4), rel=1e-9)


def test_restarts_on_spot_by_hand() -> None:
    """A thousand nodes, each lost with 7.5 % a month, waste 5.34 % of a run: it costs so much more."""
    sold = sold_with(interruptions=interrupted(("p5.one", "us-east-1", 0.05, 0.10)))
    found = bill(sold, bought=offer("p5.one", 1, purchase=SPOT), nodes=1000, hours=100)
    # 0.0779615 / 730 x 0.5 x 1000 nodes = 0.0533983, of $1,000 an hour.
    assert amounts(line(found, "spot restarts")) == pytest.approx(
        usd("53.3983", "5339.83", "38980.77"), rel=Decimal("0.000001")
    )
    assert (
        line(found, "spot restarts").basis
        == "5% to 10% of instances interrupted within a month: 5.34% of the time lost"
    )
    assert found.lines[0].name == "instances" and found.lines[1].name == "spot restarts"
    assert found.unpriced == ()


def test_unknown_interruptions_are_assumed_and_told() -> None:
    """Where nobody says how often a type is interrupted, the line says what was assumed, and nothing is missing."""
    elsewhere = interrupted(("p5.one", "us-east-2", 0, 0.05), ("p5.two", "us-east-1", 0, 0.05))
    found = bill(sold_with(interruptions=elsewhere), bought=offer("p5.one", 3, purchase=SPOT))
    # $6 an hour, two nodes that lose 0.0152838 % each.
    assert amounts(line(found, "spot restarts")) == pytest.approx(
        usd("0.001834", "0.018341", "1.338862"), abs=Decimal("0.000002")
    )
    assert line(found, "spot restarts").basis == (
        "assumed, since no source states it: over 20% of instances interrupted within a month: 0.0306% of the time lost"
    )
    assert found.unpriced == ()


@pytest.mark.parametrize(("asked", "purchase"), [(SERVE, SPOT), (TRAIN, DEMAND), (TRAIN, BLOCK), (TRAIN, RESERVED)])
def test_only_trainings_on_spot_have_restarts(asked: Workload, purchase: Purchase) -> None:
    """A service loses no work with a node, and nothing but spot is interrupted."""
    sold = sold_with(interruptions=interrupted(("p5.one", "us-east-1", 0.05, 0.10)))
    found = bill(sold, asked=asked, bought=offer("p5.one", 3, purchase=purchase), hours=10 if asked.training else None)
    assert "spot restarts" not in {each.name for each in (*found.lines, *found.elsewhere)}


@pytest.mark.parametrize(
    ("hours", "idle", "basis"),
    [
        (10, "84", "48 node-hours are paid for, 20.0 used"),
        (23.5, "3", "48 node-hours are paid for, 47.0 used"),
        (14 * 24 + 1, "1002", "1,008 node-hours are paid for, 674.0 used"),
    ],
)
def test_the_rest_of_a_block_is_on_the_bill(hours: float, idle: str, basis: str) -> None:
    """A Capacity Block is bought for this run: the days that it does not use are part of what it costs."""
    found = bill(sold_with({}), bought=offer("p5.one", 3, purchase=BLOCK), hours=hours)
    assert amounts(line(found, "idle reserved capacity")) == usd("0", idle, "0")
    assert line(found, "idle reserved capacity").basis == basis
    assert found.lines[1].name == "idle reserved capacity"
    assert found.usd_per_run == Decimal(6) * Decimal(hours) + Decimal(idle)


def test_the_rest_of_a_commitment_stands_elsewhere() -> None:
    """A year of $6 an hour less the ten hours used: on top where no other job takes the rest."""
    found = bill(sold_with({}), bought=offer("p5.one", 3, purchase=RESERVED))
    assert found.elsewhere[0].name == "idle reserved capacity"
    assert amounts(found.elsewhere[0]) == usd("0", "52500", "0")
    assert found.usd_per_run == 60


@pytest.mark.parametrize("purchase", [BLOCK, RESERVED, Purchase.SAVINGS_PLAN_3YR])
def test_a_service_leaves_nothing_idle(purchase: Purchase) -> None:
    """What serves all the time uses all that is paid for."""
    found = bill(sold_with(), asked=SERVE, bought=offer("p5.one", 3, purchase=purchase), hours=None)
    assert "idle reserved capacity" not in {each.name for each in (*found.lines, *found.elsewhere)}


def managed(price: str, component: str = "Cluster", region: str = "us-east-1") -> PriceRow:
    """SageMaker's price of the type for one use of it."""
    return PriceRow(
        instance_type="ml.p5.one",
        region=region,
        purchase=DEMAND,
        payment=Payment.UNSTATED,
        price_per_hour_per_node=Decimal(price),
        currency="USD",
        operating_system="linux",
        zone_id="",
        provenance=Provenance(source=named(component, "made up"), as_of=SAID.as_of),
    )


@pytest.mark.parametrize(
    ("bought", "others"),
    [
        (offer("p5.one", 3), []),
        (offer("p5.one", 1, purchase=SPOT), [offer("p5.one", 3)]),
        (offer("p5.one", 2, purchase=RESERVED), [offer("p5.one", 3), offer("p5.one", 1, region="us-east-2")]),
    ],
)
def test_hyperpod_adds_what_sagemaker_takes_beyond_ec2(bought: Offer, others: list[Offer]) -> None:
    """$3.60 for the managed type, $3 for the plain one on demand: $0.60 more each, however the plan buys."""
    sold = sold_with(offers=[bought], other_offers=tuple(others), sagemaker=(managed("3.6"),))
    assert amounts(line(bill(sold, bought=bought), "SageMaker HyperPod")) == usd("1.2", "12", "876")


def test_hyperpods_own_quota_stands_beside_its_premium() -> None:
    """Whoever weighs HyperPod learns how many instances the account may have there."""
    allowed = Quota(kind=QuotaKind.CLUSTER_INSTANCES, subject="ml.p5.one", region="us-east-1", value=Decimal(3))
    sold = sold_with(offers=[offer("p5.one", 3)], sagemaker=(managed("3.6"),), quotas=(allowed,))
    basis = "ml.p5.one beyond p5.one, on demand"
    assert (
        line(bill(sold, nodes=1), "SageMaker HyperPod").basis == f"{basis}; the account's quota allows 3 in a cluster"
    )
    assert line(bill(replace(sold, quotas=()), nodes=1), "SageMaker HyperPod").basis == basis


def test_hyperpod_wins_where_a_failure_would_idle_the_fleet_for_longer() -> None:
    """Two failures at $6 an hour lose $12 for each hour that they last; a premium of $3 is a quarter of that."""
    # 419 failures in 54 days on 16,384 accelerators, so that two nodes of KIND fail twice in this many hours.
    hours = 2 / (419 / (54 * 24 * 16_384)) / (2 * KIND.accelerators)
    premium = Decimal("3") / Decimal(hours) / 2
    sold = sold_with(offers=[offer("p5.one", 3)], sagemaker=(managed(f"{3 + premium:.12f}"),))
    basis = line(bill(sold, hours=hours), "SageMaker HyperPod").basis
    assert "2 failures are expected in the run: it wins where the fleet would else wait longer than 15.0 min" in basis
    same = sold_with(offers=[offer("p5.one", 3)], sagemaker=(managed("3"),))
    assert line(bill(same, hours=hours), "SageMaker HyperPod").basis.endswith("it costs no more, and wins")


def test_a_plan_that_builds_hyperpod_pays_for_it() -> None:
    """With that target the premium and the control nodes are in the bill; without a price they are called unknown."""
    asked = TRAIN.model_copy(update={"provision": Provision(target=Target.HYPERPOD_SLURM)})
    plain = bill(sold_with(offers=[offer("p5.one", 3)], sagemaker=(managed("3.6"),)), asked=asked)
    assert amounts(line(plain, "SageMaker HyperPod")) == usd("1.2", "12", "876")
    assert "SageMaker HyperPod" in {each.name for each in plain.lines}
    assert plain.unpriced == ("HyperPod control nodes",)
    # 2 planned nodes and 2 control nodes x 300 GiB x $0.073 / 730 h.
    assert amounts(line(plain, "root volumes")) == usd("0.12", "1.2", "87.6")
    control = replace(managed("0.2"), instance_type="ml.m5.xlarge")
    whole = bill(sold_with(offers=[offer("p5.one", 3)], sagemaker=(managed("3.6"), control)), asked=asked)
    assert amounts(line(whole, "HyperPod control nodes")) == usd("0.4", "4", "292")
    assert whole.unpriced == ()


@pytest.mark.parametrize(
    ("rows", "offers", "missing"),
    [
        ((), [offer("p5.one", 3)], "ml.p5.one as a HyperPod node"),
        ((managed("3.6", region="us-east-2"),), [offer("p5.one", 3)], "ml.p5.one as a HyperPod node"),
        # What SageMaker takes for a notebook is not what a cluster's node costs.
        ((managed("3.6", component="Notebook"),), [offer("p5.one", 3)], "ml.p5.one as a HyperPod node"),
        ((managed("3.6"),), [], "p5.one on demand"),
        ((managed("3.6"),), [offer("p5.one", 3, region="us-east-2")], "p5.one on demand"),
        ((managed("3.6"),), [offer("p5.one", 1, purchase=SPOT)], "p5.one on demand"),
    ],
)
def test_an_unknown_premium_is_called_unknown(rows: tuple[PriceRow, ...], offers: list[Offer], missing: str) -> None:
    """Without both prices in the region nothing is said of the premium but what is missing."""
    found = line(bill(sold_with(offers=offers, sagemaker=rows)), "SageMaker HyperPod")
    assert amounts(found) == (None, None, None)
    assert found.basis.startswith(f"no price of {missing} is known in us-east-1; it replaces failed nodes by itself")
    assert found.basis.endswith("whether that saves more than it costs is unknown")


@pytest.mark.parametrize(("nodes", "hour"), [(2, "0.6"), (32, "0.6"), (33, "3"), (513, None)])
def test_a_larger_cluster_has_a_dearer_controller(nodes: int, hour: str | None) -> None:
    """The controller is that of the cluster's size, unknown where its size has no price."""
    found = line(bill(sold_with(), nodes=nodes), "AWS PCS")
    assert found.usd_per_hour == (None if hour is None else Decimal(hour))
    assert ("no price of pcs-large-controller-hour is known in us-east-1" in found.basis) is (hour is None)


def test_prices_of_another_region_do_not_stand_in() -> None:
    """A plan in one region is not billed with what things cost in another."""
    found = bill(market([KIND], [], components=priced(PRICES, "us-east-2")))
    assert set(found.unpriced) == {use.name for use in uses(TRAIN, DENSE, ZERO1)}
    assert (found.usd_per_run, found.usd_per_month) == (Decimal(60), Decimal(4380))


@pytest.mark.parametrize(
    ("lifecycle", "kept"),
    [("persistent", {"checkpoints in S3", "FSx for Lustre"}), ("ephemeral", set())],
)
def test_what_outlives_the_stack_is_marked(lifecycle: str, kept: set[str]) -> None:
    """Persistent storage goes on costing when the stack is gone; of the rest nothing does, priced or not."""
    storage = {"lifecycle": lifecycle, "file_system": {"capacity": "4800GiB", "throughput": 250}}
    found = bill(
        sold_with({Component.FSX_LUSTRE_PERSISTENT_250_GIB_MONTH: "0.21"}),
        asked=workload(provision={"storage": storage}),
    )
    assert {each.name for each in found.lines if each.survives} == kept
    assert line(found, "FSx for Lustre").usd_per_month == pytest.approx(Decimal("1008"), abs=Decimal("0.001"))


def test_a_served_token_bears_the_whole_bill() -> None:
    """A million tokens, in and out, cost what all lines cost in the time that they take; training serves none."""
    asked = workload(inference=inference())
    sold = sold_with()
    found = cost_of(asked, DENSE, recipe("bf16", of="vllm"), offer("p5.one", 3), 2, None, sold, 100.0)
    tokens_per_hour = 100.0 * 3600
    assert found.usd_per_million_tokens is not None
    assert float(found.usd_per_million_tokens) == pytest.approx(float(found.usd_per_hour) / tokens_per_hour * 1e6)
    assert found.usd_per_hour > 6
    assert bill(sold).usd_per_million_tokens is None
