"""Does a plan say what replicas for prompts beside others for answers would cost, and build them only where asked?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.plan import Candidate, Comparison, Decision, Plan
from pricing.records import replace
from pricing.units import show_usd
from tests.planner.builders import DENSE
from tests.planner.market_builders import decision, inference, market, offer, serving_machines, workload


def decided(usd: float = 5, **asked: object) -> Decision:
    """A plan on two types, the larger at a price."""
    sold = market(serving_machines(), [offer("p5.small", 1), offer("p5.large", usd)])
    return decision(workload(inference=inference(**asked)), sold)


def compared(found: Plan) -> Comparison:
    """What stands beside the choice."""
    assert found.apart is not None
    return found.apart


def test_the_other_kind_is_told_and_not_chosen() -> None:
    """Unasked, a plan names the best split fleet with its money, and chooses replicas that do both."""
    found = decided().plan
    apart = compared(found)
    assert found.chosen.split is None and apart.best is not None
    assert apart.best.split is not None and apart.best.service is not None
    assert show_usd(apart.best.service.usd_per_month) in apart.verdict
    cheaper = apart.best.usd_per_hour < found.chosen.usd_per_hour
    assert ("not considered unless inference.disaggregate is allow" in apart.verdict) is cheaper
    assert ("not worth it by the objective, cost" in apart.verdict) is not cheaper
    assert apart.best.service.band.measured is False


def request_s(one: Candidate) -> float:
    """Seconds of a whole answer of 128 tokens."""
    assert one.service is not None
    return one.service.ttft_s + 127 * one.service.tpot_s


@pytest.mark.parametrize(("rate", "tpot"), [(20, "1s"), (3000, "1s"), (3000, "0.8ms")])
@pytest.mark.parametrize("objective", ["cost", "time", {"cost": 1, "time": 3}])
def test_what_is_worth_it_is_judged_by_the_objective(rate: int, tpot: str, objective: object) -> None:
    """Who asks for time is not told of the cheaper fleet that it would be worth it, nor of the faster one that not."""
    sold = market(serving_machines(), [offer("p5.small", 1), offer("p5.large", 5)])
    asked = inference(requests_per_second=rate, tpot=tpot)
    found = decision(workload(inference=asked, objective=objective), sold).plan
    best = compared(found).best
    assert best is not None
    weights = {"cost": (1, 0), "time": (0, 1)}.get(str(objective), (1, 3))
    ratios = (float(best.usd_per_hour / found.chosen.usd_per_hour), request_s(best) / request_s(found.chosen))
    better = ratios[0] ** weights[0] * ratios[1] ** weights[1] < 1 - 1e-6
    assert ("not considered unless" in compared(found).verdict) is better
    named = objective if isinstance(objective, str) else "cost 1 to time 3"
    assert compared(found).verdict.endswith(f"not worth it by the objective, {named}") is not better


@pytest.mark.parametrize(
    ("asked", "disaggregate"),
    [
        ({"requests_per_second": 3000, "tpot": "0.8ms"}, "compare"),
        ({"requests_per_second": 3000, "tpot": "0.8ms"}, "allow"),
        ({"requests_per_second": None, "concurrency": 400, "fleet": {"headroom": 0.5}}, "compare"),
        ({"requests_per_second": None, "concurrency": 400, "fleet": {"headroom": 0.5}}, "allow"),
    ],
)
def test_every_candidate_spreads_its_own_times(asked: dict[str, Any], disaggregate: str) -> None:
    """Where percentiles are told their means are the candidate's times; a split one has none, and one that does both
    has them."""
    found = decided(disaggregate=disaggregate, **asked).plan
    rungs = [each.best for each in found.ladder if each.best]
    every = [found.chosen, *found.runners_up, *found.front, *rungs, *([found.apart.best] if found.apart else [])]
    for each in every:
        assert each is not None and each.service is not None
        assert (each.service.spreads is None) is (each.split is not None)
        if each.service.spreads:
            assert each.service.spreads.ttft.mean == pytest.approx(each.service.ttft_s)
            assert each.service.spreads.tpot.mean == pytest.approx(each.service.tpot_s)
    assert any(each and each.split for each in every)


def test_never_leaves_it_out() -> None:
    """Who wants no comparison gets none, and the same choice."""
    assert decided(disaggregate="never").plan.apart is None
    assert decided(disaggregate="never").plan.chosen == decided().plan.chosen


def test_an_engine_without_a_handover_says_so() -> None:
    """Text Generation Inference hands no cache over: the plan names it."""
    kinds = [replace(each, accelerator=replace(each.accelerator, name="A10G")) for each in serving_machines()]
    sold = market(kinds, [offer("p5.small", 1), offer("p5.large", 5)])
    found = decision(workload(inference=inference(engine="tgi")), sold).plan
    assert compared(found).best is None
    assert "hands no cache from one replica to another" in compared(found).verdict


def test_a_limit_that_no_pair_keeps_is_told() -> None:
    """On one node of one device there is no room for two replicas."""
    sold = market(serving_machines()[:1], [offer("p5.small", 1)])
    asked = workload(inference=inference(requests_per_second=0.1), limits={"max_nodes": 1})
    found = decision(asked, sold).plan
    assert compared(found).verdict == "no pair of replicas keeps the limits on one node"


@pytest.mark.parametrize(("rate", "tpot"), [(20, "2ms"), (3000, "0.8ms")])
def test_allowed_it_competes(rate: int, tpot: str) -> None:
    """Where it is allowed the cheaper kind is chosen, the other stands beside it, and the build knows which it is."""
    plain = decided(requests_per_second=rate, tpot=tpot).plan
    found = decided(requests_per_second=rate, tpot=tpot, disaggregate="allow")
    other, chosen = compared(found.plan).best, found.plan.chosen
    split = compared(plain).best
    assert split is not None and other is not None
    wins = split.usd_per_hour < plain.chosen.usd_per_hour
    assert (chosen.split is not None) is wins is found.build.split
    assert chosen.usd_per_hour == min(split.usd_per_hour, plain.chosen.usd_per_hour)
    assert (other.split is None) is wins


def test_a_split_fleet_that_wins_is_planned_in_full() -> None:
    """Tight limits on the time between tokens make it win: fleet, bill, layout and warnings are of both roles."""
    asked = inference(requests_per_second=3000, tpot="0.8ms", disaggregate="allow")
    sold = market(serving_machines(), [offer("p5.small", 1), offer("p5.large", 5)])
    found = decision(workload(inference=asked), sold, DENSE)
    chosen, fleet = found.plan.chosen, found.plan.fleet
    assert fleet is not None and chosen.service is not None
    assert chosen.split is not None
    assert compared(found.plan).verdict.startswith("chosen: ")
    assert fleet.load_nodes == chosen.nodes and 0 < fleet.prompt_share < 1
    assert any("a synth refuses this plan" in each for each in found.plan.warnings)
