"""Is the choice the best of all legal ways, as `brute_force` counts them one by one?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.errors import NoFeasiblePlan
from planner.plan import Plan, Rung
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.market import Market
from pricing.records import replace
from tests.planner.brute_force import Way, every_way, figures, score
from tests.planner.builders import DENSE, MIXED
from tests.planner.market_builders import (
    CALIBRATION,
    plan,
    quota,
)
from tests.planner.questions import few, markets, serving_workloads, training_workloads


def planned(asked: Workload, sold: Market, shape: ModelShape = DENSE) -> Plan | None:
    """The plan, None where nothing does the job."""
    try:
        return plan(asked, sold, shape)
    except NoFeasiblePlan:
        return None


def tightened(asked: Workload, **limits: Any) -> Workload:
    """The workload with other limits."""
    return asked.model_copy(update={"limits": asked.limits.model_copy(update=limits)})


def assert_best(asked: Workload, sold: Market, found: Plan | None, ways: list[Way]) -> None:
    """The plan is the best of all ways, and there is one exactly where there is a way."""
    assert (found is None) == (not ways)
    if found is None:
        return
    chosen = found.chosen
    usd, job_s = figures(asked, chosen, sold)
    best = min(score(asked, way.usd, way.job_s) for way in ways)
    assert score(asked, usd, job_s) == pytest.approx(best, abs=2e-9)
    # It is one of the ways, with the figures that were counted for it.
    same = [
        way
        for way in ways
        if (way.instance_type, way.nodes, way.layout, way.rung)
        == (chosen.instance_type, chosen.nodes, chosen.layout, chosen.rung)
        and (way.offer.region, way.offer.purchase, way.offer.zone_ids)
        == (chosen.region, chosen.purchase, chosen.zone_ids)
        and way.option.recipe.techniques == chosen.techniques
    ]
    assert len(same) == 1
    assert (usd, job_s) == pytest.approx((same[0].usd, same[0].job_s))
    if chosen.run:
        assert float(chosen.run.usd) == pytest.approx(usd, abs=0.00501)
    ties = [way for way in ways if score(asked, way.usd, way.job_s) <= best + 1e-12]
    cheapest = min(way.usd for way in ties)
    assert usd == pytest.approx(cheapest, rel=2e-9)
    assert chosen.nodes <= min(way.nodes for way in ties if way.usd <= cheapest * (1 + 1e-12))


@settings(few, max_examples=35)
@given(asked=training_workloads(), sold=markets(), shape=st.sampled_from([DENSE, DENSE, MIXED]), data=st.data())
def test_training_is_planned_as_if_every_way_were_counted(
    asked: Workload, sold: Market, shape: ModelShape, data: st.DataObject
) -> None:
    """For any objective, with and without deadline and budget, the choice is the best of all legal ways."""
    ways = every_way(asked, shape, sold, CALIBRATION)
    assert_best(asked, sold, planned(asked, sold, shape), ways)
    if ways:
        some = data.draw(st.sampled_from(ways))
        limited = tightened(asked, deadline=some.job_s * 1.0001, budget=Decimal(some.usd * 1.0001))
        within = [way for way in ways if way.job_s <= some.job_s * 1.0001 and way.usd <= some.usd * 1.0001]
        assert_best(limited, sold, planned(limited, sold, shape), within)


@few
@given(asked=serving_workloads(), sold=markets(serving=True), data=st.data())
def test_serving_is_planned_as_if_every_way_were_counted(asked: Workload, sold: Market, data: st.DataObject) -> None:
    """With and without limits on latency and money, the fleet is the best of all replicas and counts."""
    ways = every_way(asked, DENSE, sold, CALIBRATION)
    assert_best(asked, sold, planned(asked, sold), ways)
    if ways and asked.inference:
        some, other = (data.draw(st.sampled_from(ways)) for _ in range(2))
        ttft_s, usd = some.ttft_s * 1.0001, other.usd * 1.0001
        slower = asked.inference.model_copy(update={"ttft": ttft_s})
        limited = tightened(asked, budget=Decimal(usd)).model_copy(update={"inference": slower})
        within = [way for way in ways if way.ttft_s <= ttft_s and way.usd <= usd]
        assert_best(limited, sold, planned(limited, sold), within)


@few
@given(asked=training_workloads(), sold=markets())
def test_the_rungs_part_all_ways_among_them(asked: Workload, sold: Market) -> None:
    """Each way stands on one rung, a rung's best is the best of those on it, and the chosen one is on its own."""
    ways = every_way(asked, DENSE, sold, CALIBRATION)
    assume(ways)
    found = plan(asked, sold)
    assert [answer.rung for answer in found.ladder] == list(Rung)
    for answer in found.ladder:
        on_it = [score(asked, way.usd, way.job_s) for way in ways if way.rung is answer.rung]
        assert (answer.best is None) == (not on_it)
        if answer.best:
            assert answer.best.rung is answer.rung
            assert score(asked, *figures(asked, answer.best, sold)) == pytest.approx(min(on_it), abs=2e-9)
        assert answer.verdict
    assert [answer.best for answer in found.ladder if answer.verdict == "chosen"] == [found.chosen]


@few
@given(asked=training_workloads(), sold=markets(), data=st.data())
def test_less_freedom_never_makes_a_better_plan(asked: Workload, sold: Market, data: st.DataObject) -> None:
    """No higher price, more interruptions, lower quota, fewer nodes, earlier deadline or budget improves anything."""
    before = planned(asked, sold)
    number = data.draw(st.integers(0, len(sold.offers) - 1))
    dearer = tuple(
        replace(each, usd_per_hour_per_node=each.usd_per_hour_per_node * 2) if place == number else each
        for place, each in enumerate(sold.offers)
    )
    narrower: list[tuple[Workload, Market]] = [(asked, replace(sold, offers=dearer))]
    lower = tuple(replace(each, value=each.value * data.draw(st.sampled_from([0, 1]))) for each in sold.quotas)
    (capped, *_) = sold.instance_types.values()
    narrower.append((asked, replace(sold, quotas=lower)))
    if all(each.subject != capped.name for each in sold.quotas):
        narrower.append((asked, replace(sold, quotas=(*sold.quotas, *quota(data.draw(st.integers(0, 2)), capped)))))
    worse = {
        key: replace(each, low=(1 + each.high) / 2, high=(1 + each.high) / 2)
        for key, each in sold.interruptions.items()
    }
    narrower.append((asked, replace(sold, interruptions=worse)))
    if asked.limits.max_nodes > 1:
        narrower.append((tightened(asked, max_nodes=asked.limits.max_nodes - 1), sold))
    if before:
        usd, job_s = figures(asked, before.chosen, sold)
        share = data.draw(st.floats(0.3, 1.1))
        narrower.append((tightened(asked, deadline=job_s * share), sold))
        narrower.append((tightened(asked, budget=Decimal(usd * share)), sold))
    for less, other in narrower:
        after = planned(less, other)
        if after is not None:
            assert before is not None
            best = score(asked, *figures(asked, before.chosen, sold))
            now = score(asked, *figures(asked, after.chosen, other))
            assert now >= best - 2e-9


@few
@given(asked=training_workloads(), sold=markets())
def test_the_choice_is_not_dominated(asked: Workload, sold: Market) -> None:
    """No other way is both cheaper and faster, and none as cheap on as few nodes, as plainly, is faster."""
    found = planned(asked, sold)
    assume(found is not None)
    assert found is not None
    usd, job_s = figures(asked, found.chosen, sold)
    for way in every_way(asked, DENSE, sold, CALIBRATION):
        assert not (way.usd < usd * (1 - 1e-8) and way.job_s < job_s * (1 - 1e-8))
        if way.nodes == found.chosen.nodes and way.option.recipe.techniques == found.chosen.techniques:
            assert not (way.usd <= usd * (1 - 1e-8) and way.job_s <= job_s * (1 + 1e-12))
            assert not (way.usd <= usd * (1 + 1e-12) and way.job_s < job_s * (1 - 1e-8))
