"""Is the first row the best by the objective, on the terms it may be bought on, and are ties broken as a user would?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.eligible import Contender, best_offers
from planner.framework import load_frameworks
from planner.layout import LayoutGrid
from planner.rank import Ranking, join_offers, rank
from planner.recipe import Recipe
from planner.recipes import Option
from planner.run_band import run_band
from planner.search import Pool
from planner.workload import Workload
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.price import Component, Quota
from pricing.records import replace
from tests.planner.brute_force import every_terms
from tests.planner.builders import DENSE, examples
from tests.planner.market_builders import (
    CALIBRATION,
    inference,
    interrupted,
    machine,
    market,
    offer,
    priced,
    quota,
    workload,
)
from tests.planner.questions import PURCHASES, market_of, merged

OPTIONS = tuple(Option(framework=load_frameworks()["megatron"], recipe=Recipe(), extra=extra) for extra in (0, 1))


NOTHING = market([], [])
"""A market of which neither quotas nor interruptions are known."""


def contender(name: str, *offers: Offer | str) -> Contender:
    """A type with its offers, or with the price of its only one."""
    sold = tuple(offer(name, each) if isinstance(each, str) else each for each in offers)
    return Contender(machine=machine(name), options=OPTIONS, offers=sold)


def pool(*rows: tuple[int, int, int, float]) -> Pool:
    """A pool of (machine, option, nodes, seconds), every row with the first offer."""
    columns = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3).T
    ones = np.ones(len(rows), dtype=np.int64)
    return Pool(
        machine=columns[0],
        option=columns[1],
        offer=0 * ones,
        nodes=columns[2],
        replicas=ones,
        rate=np.ones(len(rows)),
        rung=0 * ones,
        layout=LayoutGrid.of({"data": ones}),
        job_s=np.array([row[3] for row in rows], dtype=np.float64),
        misses={},
        machine_misses={},
        covered=len(rows),
        timed=len(rows),
    )


def ranked(asked: Workload, able: tuple[Contender, ...], rows: Pool, known: Market = NOTHING) -> Ranking:
    """The rows with their money and in their order."""
    return rank(asked, DENSE, able, rows, known, CALIBRATION)


def order(prices: tuple[str, ...], rows: list[tuple[int, int, int, float]], **sections: Any) -> list[int]:
    """Rows within the limits, best first."""
    asked = workload(**sections)
    able = tuple(contender(f"p5.{number}", usd) for number, usd in enumerate(prices))
    return [int(row) for row in ranked(asked, able, pool(*rows)).order]


HOUR = 3600.0


@pytest.mark.parametrize(
    ("objective", "best_first"),
    [
        # $6 in 2 h, $8 in 1 h, $4 in 4 h.
        ("cost", [2, 0, 1]),
        ("time", [1, 0, 2]),
        ({"cost": 1, "time": 1}, [1, 0, 2]),
        ({"cost": 5, "time": 1}, [2, 0, 1]),
        ({"cost": 500, "time": 100}, [2, 0, 1]),
        ({"cost": 0, "time": 1e-300}, [1, 0, 2]),
    ],
)
def test_the_objective_orders(objective: Any, best_first: list[int]) -> None:
    """Cost, time, or both by the ratio of their weights."""
    rows = [(0, 0, 1, 2 * HOUR), (1, 0, 1, HOUR), (2, 0, 1, 4 * HOUR)]
    assert order(("3", "8", "1"), rows, objective=objective) == best_first


def test_money_is_that_of_all_nodes_for_the_whole_run() -> None:
    """A run costs the price of a node times nodes times hours."""
    asked = workload()
    able = contender("p5.0", "3"), contender("p5.1", "0.5")
    found = ranked(asked, able, pool((0, 0, 2, HOUR / 2), (1, 1, 8, HOUR)), NOTHING)
    assert found.usd.tolist() == [3.0, 4.0]


def test_a_service_is_paid_by_the_month() -> None:
    """A fleet costs 730 hours of its nodes, however long a request takes."""
    asked = workload(inference=inference())
    found = ranked(asked, (contender("p5.0", "3"),), pool((0, 0, 2, 0.5), (0, 0, 1, 99.0)), NOTHING)
    assert found.usd.tolist() == [2 * 3 * 730, 3 * 730]
    assert found.order.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("prices", "rows", "objective", "best_first"),
    [
        # As cheap on one node as on two: one.
        (("2",), [(0, 0, 2, HOUR), (0, 0, 1, 2 * HOUR)], "cost", [1, 0]),
        # As cheap without a technique as with it: without.
        (("2", "1"), [(0, 1, 1, HOUR), (1, 0, 1, 2 * HOUR)], "cost", [1, 0]),
        # As cheap, on as many nodes: the faster, whatever the names.
        (("1", "2"), [(0, 0, 1, 2 * HOUR), (1, 0, 1, HOUR)], "cost", [1, 0]),
        # As fast: the cheaper, whatever the names and nodes.
        (("4", "1"), [(0, 0, 1, HOUR), (1, 0, 1, HOUR)], "time", [1, 0]),
        (("4", "1"), [(0, 0, 1, HOUR), (1, 0, 2, HOUR)], "time", [1, 0]),
        # Equal in everything: by name, then in the order searched.
        (("1", "1"), [(1, 0, 1, HOUR), (0, 0, 1, HOUR)], "cost", [1, 0]),
        (("1",), [(0, 0, 1, HOUR), (0, 0, 1, HOUR)], "cost", [0, 1]),
        # Arithmetic noise is a tie, a millionth is not.
        (("2",), [(0, 0, 2, HOUR), (0, 0, 1, 2 * HOUR * (1 + 1e-14))], "cost", [1, 0]),
        (("2",), [(0, 0, 2, HOUR), (0, 0, 1, 2 * HOUR * (1 + 1e-6))], "cost", [0, 1]),
    ],
)
def test_ties_go_to_the_simpler(
    prices: tuple[str, ...], rows: list[tuple[int, int, int, float]], objective: str, best_first: list[int]
) -> None:
    """Of equals, the one that costs less, then has fewer nodes, fewer techniques, less time, the earlier name."""
    assert order(prices, rows, objective=objective) == best_first


@pytest.mark.parametrize("degrees", [{"data": 2}, {"expert": 2}])
def test_a_tie_does_not_go_to_shared_experts(degrees: dict[str, int]) -> None:
    """At the same money a plain replica comes before one of data or expert ranks, however much faster that is; when
    training such degrees are as good as any."""
    columns = {name: np.array([value, 1]) for name, value in degrees.items()}
    rows = replace(pool((0, 0, 1, HOUR), (0, 0, 1, 2 * HOUR)), layout=LayoutGrid.of(columns))
    able = (contender("p5.0", "3"),)
    assert list(ranked(workload(inference=inference()), able, rows).order) == [1, 0]
    assert list(ranked(workload(), able, rows).order) == [0, 1]


@pytest.mark.parametrize(
    ("limits", "within"),
    [
        ({}, [0, 1, 2]),
        ({"deadline": "2h"}, [0, 1]),
        ({"deadline": "119min"}, [1]),
        ({"budget": 6}, [2, 0]),
        ({"budget": 5.99}, [2]),
        ({"budget": 6, "deadline": "2h"}, [0]),
        ({"budget": 1}, []),
    ],
)
def test_limits_are_kept_to_the_cent_and_second(limits: dict[str, Any], within: list[int]) -> None:
    """A row at the limit is within it, one beyond is not ranked."""
    rows = [(0, 0, 1, 2 * HOUR), (1, 0, 1, HOUR), (2, 0, 1, 4 * HOUR)]
    assert sorted(order(("3", "8", "1"), rows, limits=limits)) == sorted(within)


def test_a_service_has_a_monthly_budget() -> None:
    """The budget of a service is for a month."""
    rows = [(0, 0, 1, 1.0), (1, 0, 1, 1.0)]
    assert order(("1", "2"), rows, inference=inference(), limits={"budget": 730 + 1}) == [0]


def test_nothing_ranked_is_an_empty_order() -> None:
    """A search that found nothing ranks nothing."""
    assert order((), []) == []
    assert order(("1",), []) == []
    assert order(("1",), [(0, 0, 1, 1e12)]) == []


SPOT, DEMAND, BLOCK = Purchase.SPOT, Purchase.ON_DEMAND, Purchase.CAPACITY_BLOCK
KIND = machine("p5.0")


def joined(able: tuple[Contender, ...], rows: Pool, *quotas: Quota) -> list[tuple[int, int, int]]:
    """(machine, offer, nodes) of the rows that may be bought."""
    found = join_offers(able, rows, market([each.machine for each in able], [], quotas=quotas))
    columns = found.machine.tolist(), found.offer.tolist(), found.nodes.tolist()
    return list(zip(*columns, strict=True))


def test_every_row_is_joined_with_every_offer_of_its_type() -> None:
    """Where no quota is known, a row stands once for each of its type's offers, with figures of its own."""
    able = (contender("p5.0", "1"), contender("p5.1", "1", "2", "3"), contender("p5.2", "1", "2"))
    rows = pool((1, 0, 4, 7.0), (0, 1, 2, 8.0), (2, 0, 1, 9.0), (1, 1, 3, 6.0))
    found = join_offers(able, rows, market([each.machine for each in able], []))
    pairs = [(1, 0), (1, 1), (1, 2), (0, 0), (2, 0), (2, 1), (1, 0), (1, 1), (1, 2)]
    assert list(zip(found.machine.tolist(), found.offer.tolist(), strict=True)) == pairs
    assert found.nodes.tolist() == [4, 4, 4, 2, 1, 1, 3, 3, 3]
    assert found.option.tolist() == [0, 0, 0, 1, 0, 0, 1, 1, 1]
    assert found.job_s.tolist() == [7.0, 7.0, 7.0, 8.0, 9.0, 9.0, 6.0, 6.0, 6.0]
    assert len(found.layout) == len(found) == len(found.replicas) == len(found.rung)
    assert found.covered == rows.covered


@pytest.mark.parametrize(
    ("nodes", "kept"),
    [
        # As many nodes as the quota holds, not one more; parts of a node are none.
        (3, [(0, 0, 1), (0, 0, 2), (0, 0, 3)]),
        (2.99, [(0, 0, 1), (0, 0, 2)]),
        (2, [(0, 0, 1), (0, 0, 2)]),
        (0, []),
        (0.5, []),
    ],
)
def test_a_quota_keeps_the_rows_that_it_holds(nodes: float, kept: list[tuple[int, int, int]]) -> None:
    """Rows with more nodes than the account's vCPUs allow cannot be bought."""
    rows = pool((0, 0, 1, HOUR), (0, 0, 2, HOUR), (0, 0, 3, HOUR))
    assert joined((contender("p5.0", "1"),), rows, *quota(nodes, KIND)) == kept


@pytest.mark.parametrize(
    "quotas",
    [
        (),
        quota(1, KIND, region="us-east-2"),
        quota(1, KIND, spot=True),
        quota(1, machine("p5.9")),
        # Two values for one thing are none.
        (*quota(1, KIND), *quota(2, KIND)),
    ],
    ids=["none", "of another region", "of spot", "of another type", "contradictory"],
)
def test_an_unknown_quota_is_no_limit(quotas: tuple[Quota, ...]) -> None:
    """A quota that is not known, or is of something else, keeps nothing from being planned."""
    assert joined((contender("p5.0", "1"),), pool((0, 0, 4096, HOUR)), *quotas) == [(0, 0, 4096)]


def test_each_offer_has_the_quota_of_its_terms_and_region() -> None:
    """One type on three terms: small fleets on any of them, larger ones on those that hold them."""
    sold = offer("p5.0", 1, purchase=SPOT), offer("p5.0", 2), offer("p5.0", 3, region="us-east-2")
    rows = pool((0, 0, 1, HOUR), (0, 0, 2, HOUR), (0, 0, 3, HOUR))
    quotas = (*quota(1, KIND, spot=True), *quota(2, KIND))
    expected = [(0, 0, 1), (0, 1, 1), (0, 2, 1), (0, 1, 2), (0, 2, 2), (0, 2, 3)]
    assert joined((contender("p5.0", *sold),), rows, *quotas) == expected


def test_blocks_are_in_no_quota_of_vcpus() -> None:
    """EC2 counts the instances of Capacity Blocks apart, which nobody has asked for."""
    able = (contender("p5.0", offer("p5.0", 1, purchase=BLOCK)),)
    assert joined(able, pool((0, 0, 9, HOUR)), *quota(0, KIND), *quota(0, KIND, spot=True)) == [(0, 0, 9)]


def test_nothing_is_joined_with_nothing() -> None:
    """A pool without rows, and a market without contenders, stay empty."""
    assert joined((), pool()) == []
    assert joined((contender("p5.0", "1"),), pool()) == []


# Ten percent of nodes lost a month: -ln(0.9) / 730 h, half an hour each.
LOST = 0.10536051565782628 / 730 * 0.5


def test_spot_costs_what_its_interruptions_waste() -> None:
    """A run on spot pays for the hours that are lost: a node's share, times the nodes, since one stops all."""
    able = (contender("p5.0", offer("p5.0", 2, purchase=SPOT)),)
    known = market([KIND], [], interruptions=interrupted(("p5.0", "us-east-1", 0.05, 0.15)))
    rows = pool((0, 0, 1, 100 * HOUR), (0, 0, 8, 100 * HOUR))
    asked = workload(limits={"purchase": ["spot"]})
    assert ranked(asked, able, rows, known).usd == pytest.approx([200 * (1 + LOST), 1600 * (1 + 8 * LOST)], rel=1e-12)
    # What nobody states is taken to be as bad as the worst that is published: a fifth, -ln(0.8) / 730 h.
    worst = 0.22314355131420976 / 730 * 0.5
    unstated = pytest.approx([200 * (1 + worst), 1600 * (1 + 8 * worst)], rel=1e-12)
    assert ranked(asked, able, rows).usd == unstated
    # What is known of another region says nothing of this one.
    elsewhere = market([KIND], [], interruptions=interrupted(("p5.0", "us-east-2", 0.05, 0.15)))
    assert ranked(asked, able, rows, elsewhere).usd == unstated
    served = workload(inference=inference(), limits={"purchase": ["spot"]})
    assert ranked(served, able, pool((0, 0, 1, 0.5)), known).usd.tolist() == [2 * 730]


@pytest.mark.parametrize(
    ("low", "nodes", "cheaper"),
    [
        # 2,000 nodes lose 0.2 % each at 95 % a month: four times the run over.
        (0.95, 2000, DEMAND),
        (0.95, 100, SPOT),
        (0.05, 2000, SPOT),
        (0, 2000, SPOT),
    ],
)
def test_spot_is_weighed_against_demand_by_what_it_wastes(low: float, nodes: int, cheaper: Purchase) -> None:
    """Half the price wins unless interruptions waste more than half of what is paid."""
    sold = offer("p5.0", 1, purchase=SPOT), offer("p5.0", 2)
    known = market([KIND], [], interruptions=interrupted(("p5.0", "us-east-1", low, low)))
    able = (contender("p5.0", *sold),)
    rows = join_offers(able, pool((0, 0, nodes, HOUR)), known)
    order = ranked(workload(limits={"purchase": ["spot", "on-demand"]}), able, rows, known).order
    assert sold[int(rows.offer[order[0]])].purchase is cheaper


# How much longer a run may take, and what EC2 takes off the end of a block.
SLOWEST = run_band(DENSE, OPTIONS[0].framework, OPTIONS[0].recipe, KIND.accelerator.name, CALIBRATION).high
EARLY_H = 0.5


@pytest.mark.parametrize(
    ("latest_hours", "paid_hours"),
    [
        (1, 24),
        (23.49, 24),
        (23.6, 48),
        (13.5 * 24, 14 * 24),
        (14 * 24, 21 * 24),
        (29 * 24, 35 * 24),
        (181.9 * 24, 182 * 24),
    ],
)
def test_a_block_is_paid_as_a_whole(latest_hours: float, paid_hours: float) -> None:
    """A run in a Capacity Block pays for whole days up to fourteen, for whole weeks beyond, in which it surely ends."""
    able = (contender("p5.0", offer("p5.0", 2, purchase=BLOCK)),)
    rows = pool((0, 0, 4, latest_hours / SLOWEST * HOUR))
    asked = workload(limits={"purchase": ["capacity-block"], "deadline": "3650d"})
    assert ranked(asked, able, rows).usd.tolist() == [2 * 4 * paid_hours]
    service = workload(inference=inference(), limits={"purchase": ["capacity-block"]})
    assert ranked(service, able, rows).usd.tolist() == [2 * 4 * 730]


@pytest.mark.parametrize(("nodes", "paid"), [(1, 1), (3, 4), (5, 8), (33, 64), (64, 64)])
def test_a_block_has_a_power_of_two_of_instances(nodes: int, paid: int) -> None:
    """Whoever needs five instances pays for the block of eight."""
    able = (contender("p5.0", offer("p5.0", 2, purchase=BLOCK)),)
    asked = workload(limits={"purchase": ["capacity-block"]})
    assert ranked(asked, able, pool((0, 0, nodes, HOUR))).usd.tolist() == [2 * paid * 24]


@pytest.mark.parametrize(("nodes", "days"), [(65, 1), (1, 182)])
def test_what_no_block_holds_is_not_bought_as_one(nodes: int, days: float) -> None:
    """More than 64 instances, or more than 182 days with the band and the half hour, are left out."""
    able = (contender("p5.0", offer("p5.0", 2, purchase=BLOCK), "3"),)
    asked = workload(limits={"purchase": ["capacity-block", "on-demand"], "deadline": "3650d"})
    rows = join_offers(able, pool((0, 0, nodes, days * 24 * HOUR / SLOWEST)), NOTHING)
    found = ranked(asked, able, rows)
    assert np.isinf(found.usd[0])
    assert rows.offer[found.order].tolist() == [1]


def test_a_budget_is_for_all_that_is_paid() -> None:
    """Disks, gateways and checkpoints are in it; what has no price is not."""
    known = replace(NOTHING, components=priced({Component.NAT_GATEWAY_HOUR: "0.5", Component.NAT_GATEWAY_GIB: "0.1"}))
    able, rows = (contender("p5.0", "2"),), pool((0, 0, 3, 10 * HOUR))
    # 3 x $2 x 10 h, the gateway's ten hours, 20 GiB for each node.
    asked = workload(limits={"budget": 71})
    found = ranked(asked, able, rows, known)
    assert (found.usd.tolist(), found.whole_usd.tolist()) == ([60.0], [60.0 + 5.0 + 6.0])
    assert found.order.tolist() == [0]
    assert ranked(workload(limits={"budget": 70.99}), able, rows, known).order.tolist() == []
    assert ranked(workload(limits={"budget": 60}), able, rows).order.tolist() == [0]


def test_of_equal_offers_the_first_is_taken() -> None:
    """Offers stand in the user's order; where nothing tells two apart, the earlier one is chosen."""
    able = (contender("p5.0", "2", "2"),)
    rows = join_offers(able, pool((0, 0, 1, HOUR)), NOTHING)
    assert rows.offer[ranked(workload(), able, rows, NOTHING).order].tolist() == [0, 1]


KINDS = (machine("p5.0"), machine("p5.1"))


@settings(examples, max_examples=400)
@given(
    known=st.tuples(*(market_of(kind) for kind in KINDS)).map(merged),
    rows=st.lists(
        st.tuples(st.integers(0, 1), st.just(0), st.integers(1, 3), st.floats(0.5, 800).map(lambda each: each * HOUR)),
        min_size=1,
        max_size=4,
    ),
    objective=st.sampled_from(["cost", "time"]),
    limits=st.fixed_dictionaries(
        {"purchase": PURCHASES}, optional={"deadline": st.just("300h"), "budget": st.integers(10, 2000)}
    ),
)
def test_no_terms_that_would_have_been_better_are_dropped(
    known: Market, rows: list[tuple[int, int, int, float]], objective: str, limits: dict[str, Any]
) -> None:
    """The best row on the best terms is that of a plain loop over every row, every offer, quota and interruption."""
    asked = workload(objective=objective, limits=limits)
    able = tuple(Contender(machine=kind, options=OPTIONS, offers=best_offers(asked, known, kind)) for kind in KINDS)
    joined_rows = join_offers(able, pool(*rows), known)
    found = ranked(asked, able, joined_rows, known)
    budget = float(asked.limits.budget) if asked.limits.budget else np.inf
    looped = [
        (terms.usd_of_run(nodes, run_s, run_s * SLOWEST), run_s)
        for index, _, nodes, run_s in rows
        for terms in every_terms(asked, known, KINDS[index])
        if nodes <= terms.most and run_s <= asked.limits.deadline_s
    ]
    affordable = [(usd, run_s) for usd, run_s in looped if usd <= budget and np.isfinite(usd)]
    within = [(usd, run_s) if objective == "cost" else (run_s, usd) for usd, run_s in affordable]
    assert bool(len(found.order)) == bool(within)
    if within:
        best = int(found.order[0])
        figures = (float(found.usd[best]), float(joined_rows.job_s[best]))
        assert figures[0 if objective == "cost" else 1] == pytest.approx(min(within)[0], rel=2e-9)
        if objective == "time":
            assert figures[0] == pytest.approx(min(within)[1], rel=2e-9)
