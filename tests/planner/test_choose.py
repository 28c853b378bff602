"""Is the choice the best there is, and is everything else accounted for?

The choice is compared with `brute_force`, which counts every way to do the job one by one.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.choose import RUNNERS_UP, job_of, job_sentence, pins_of
from planner.errors import NoFeasiblePlan
from planner.lock import FORMAT, Lock, lock_json
from planner.models import load_preset
from planner.plan import Candidate, Decision, Plan, Rung, Target
from planner.search_serving import ServingJob
from planner.search_training import TrainingJob
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.catalog import load_instance_types
from pricing.market import Market, load_market
from pricing.offer import Offer, Purchase
from pricing.price import Quota
from tests.planner.brute_force import Way, every_way, figures, score
from tests.planner.builders import DENSE, MIXED
from tests.planner.market_builders import (
    CALIBRATION,
    NOW,
    decision,
    inference,
    interrupted,
    machine,
    market,
    offer,
    plan,
    quota,
    serving_machines,
    three_machines,
    three_offers,
    training,
    workload,
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


def one_plan(asked: Workload, sold: Market) -> Plan:
    return decision(asked, sold, load_preset("llama-3.1-8b")).plan


SMALL = {"method": "lora", "tokens": "10M", "sequence_length": 2048, "global_batch": 16}
WHOLE = [
    workload(training=SMALL, limits={"max_nodes": 4}),
    workload(training=SMALL, objective="time", limits={"max_nodes": 2, "purchase": ["spot", "on-demand"]}),
    workload(inference=inference(engine=None, ttft="300ms", tpot="30ms"), limits={"max_nodes": 4}),
]


@pytest.mark.parametrize("asked", WHOLE, ids=["training", "fast training", "serving"])
def test_every_instance_type_is_answered_for_once(asked: Workload) -> None:
    """On the real market each type is chosen, or stands among the rejections with its reason, exactly once."""
    found = one_plan(asked, load_market(asked.limits.regions, asked.limits.purchase))
    subjects = [each.subject for each in found.rejections]
    assert sorted([found.chosen.instance_type, *subjects]) == sorted(load_instance_types())
    assert all(each.reason for each in found.rejections)


@pytest.mark.parametrize("asked", WHOLE, ids=["training", "fast training", "serving"])
def test_the_same_question_has_the_same_answer(asked: Workload) -> None:
    """The plan does not depend on the order in which types and offers were read, to the last byte."""
    sold = load_market(asked.limits.regions, asked.limits.purchase)
    shuffled = random.Random(1)
    names, offers = list(sold.instance_types), list(sold.offers)
    shuffled.shuffle(names)
    shuffled.shuffle(offers)
    other = replace(sold, instance_types={name: sold.instance_types[name] for name in names}, offers=tuple(offers))
    texts = {lock_json_of(decision(asked, each, load_preset("llama-3.1-8b"))) for each in (sold, sold, other)}
    assert len(texts) == 1


def lock_json_of(found: Decision) -> str:
    return lock_json(Lock(format=FORMAT, digest="", locked_at=NOW, build=found.build, plan=found.plan))


@pytest.mark.parametrize("asked", WHOLE, ids=["training", "fast training", "serving"])
def test_runners_up_are_other_types_best_first(asked: Workload) -> None:
    """The next best types follow, each once, none of them the chosen one, none better than the one before."""
    sold = load_market(asked.limits.regions, asked.limits.purchase)
    found = one_plan(asked, sold)
    names = [each.instance_type for each in (found.chosen, *found.runners_up)]
    assert len(set(names)) == len(names) == 1 + RUNNERS_UP
    scores = [score(asked, *figures(asked, each, sold)) for each in (found.chosen, *found.runners_up)]
    assert scores == pytest.approx(sorted(scores), abs=2e-9)


def test_equally_fast_types_are_told_apart_by_price() -> None:
    """Whoever wants to be fast does not pay for a larger host: of types with one GPU the cheapest is chosen."""
    only = {"max_nodes": 1, "instance_types": {"allow": ["g5.xlarge", "g5.16*"]}}
    asked = workload(training={**SMALL, "method": "qlora"}, objective="time", limits=only)
    found = one_plan(asked, load_market(asked.limits.regions, asked.limits.purchase))
    assert found.chosen.instance_type == "g5.xlarge"


def test_a_plan_says_what_was_asked_and_found() -> None:
    """Workload, model, job, price and build of the plan are those of the question and of the chosen offer."""
    asked = workload(limits={"max_nodes": 1})
    made = decision(asked, market(three_machines(), three_offers()))
    found, build = made.plan, made.build
    assert (found.workload, found.model, found.parameters) == ("tiny", "dense", DENSE.parameters)
    assert found.job == "pretrain on 8.19B tokens, sequences of 1,024, 8 a step"
    assert (found.chosen.provenance.source, found.chosen.provenance.as_of) == ("made up", date(2026, 6, 1))
    assert (build.name, build.instance_type, build.nodes) == ("tiny", found.chosen.instance_type, 1)
    assert found.chosen.usd_per_hour == Decimal(1)
    assert found.covered > len(found.ladder)


@pytest.mark.parametrize(
    ("pin", "kept"),
    [
        ({"instance_type": "p5.large"}, lambda it: it.instance_type == "p5.large"),
        ({"nodes": 2}, lambda it: it.nodes == 2),
        ({"layout": {"tensor": 2}}, lambda it: it.layout.tensor == 2),
        ({"layout": {"pipeline": 2, "data": 2}}, lambda it: (it.layout.pipeline, it.layout.data) == (2, 2)),
        ({"micro_batch": 1}, lambda it: it.layout.micro_batch == 1),
        ({"recompute": "none"}, lambda it: "recompute-none" in it.techniques),
        ({"sharding": "zero1"}, lambda it: "zero1" in it.techniques),
        ({"instance_type": "p5.four", "nodes": 2, "layout": {"tensor": 2}}, lambda it: it.layout.devices == 8),
    ],
)
def test_pins_are_kept(pin: dict[str, Any], kept: Any) -> None:
    """What the user has decided stands, and the rest is chosen around it."""
    sold = market(three_machines(), three_offers())
    found = plan(workload(pin=pin, limits={"max_nodes": 3}), sold)
    each: Candidate
    for each in (found.chosen, *found.runners_up, *(answer.best for answer in found.ladder if answer.best)):
        assert kept(each)


def test_a_single_instance_is_one_node() -> None:
    """The target limits the nodes, whatever limits.max_nodes says."""
    asked = workload(provision={"target": "single-instance"}, objective="time", limits={"max_nodes": 8})
    found = decision(asked, market(three_machines(), three_offers()))
    assert (found.plan.chosen.nodes, found.build.target) == (1, Target.SINGLE_INSTANCE)
    assert found.plan.ladder[-1].verdict == "the limits allow one node"


def refusal(asked: Workload, sold: Market, shape: ModelShape = DENSE) -> list[str]:
    """What is said where nothing does the job."""
    with pytest.raises(NoFeasiblePlan) as caught:
        plan(asked, sold, shape)
    return list(caught.value.findings)


SOLD = market(three_machines(), three_offers())
SERVED = market(serving_machines(), three_offers())
HUGE = replace(DENSE, name="huge", hidden=65_536)


@pytest.mark.parametrize(
    ("asked", "sold", "shape", "said"),
    [
        (
            workload(limits={"deadline": "1s"}),
            SOLD,
            DENSE,
            ["  single accelerator: nearest is p5.large, which takes ", "the deadline is 1.00 s", "limits.deadline"],
        ),
        (
            workload(limits={"budget": "0.01"}),
            SOLD,
            DENSE,
            ["costs $", " a run (the budget is $0.0100)", "raise limits.budget"],
        ),
        (
            workload(limits={"budget": "0.01", "deadline": "1s"}),
            SOLD,
            DENSE,
            [") and costs $"],
        ),
        (
            workload(limits={"max_nodes": 1}),
            SOLD,
            HUGE,
            [
                "  single accelerator: does not fit: nearest is p5.large, which needs ",
                "per device at the upper edge of its band and has 6.0 GiB (bf16, adamw, replicated, recompute-none)",
                "  one instance: does not fit: nearest is p5.four",
                "  cluster: the limits allow one node",
                "accept a loss of accuracy (techniques.accept: quantized)",
            ],
        ),
        (
            workload(pin={"layout": {"tensor": 3}}),
            SOLD,
            DENSE,
            [
                "  one instance: no legal layout within the limits and pins",
                "The pins cannot be kept anywhere: the tensor degree must divide the attention heads",
                "To change: loosen pin, ",
            ],
        ),
        (
            workload(pin={"layout": {"pipeline": 3, "virtual": 3}}),
            SOLD,
            DENSE,
            ["The pins cannot be kept anywhere: every pipeline stage needs a layer, and interleaved chunks must be eq"],
        ),
        (
            workload(inference=inference(ttft="1us")),
            SERVED,
            DENSE,
            ["which has a TTFT of ", " (the limit is 1 us)", "loosen inference.ttft"],
        ),
        (
            workload(inference=inference(tpot="1us", ttft="1us")),
            SERVED,
            DENSE,
            [" (the limit is 1 us) and a TPOT of "],
        ),
        (
            workload(inference=inference(requests_per_second=1e6), limits={"max_nodes": 2}),
            SERVED,
            DENSE,
            [" x p5.", "which the load takes, but the limits allow 2"],
        ),
        (
            workload(inference=inference(requests_per_second=1e6), pin={"nodes": 3}),
            SERVED,
            DENSE,
            ["which the load takes, but pin.nodes asks for 3"],
        ),
        (
            workload(inference=inference()),
            SERVED,
            replace(HUGE, hidden=262_144),
            ["  cluster: does not fit: nearest is ", "To change: add regions or purchase options"],
        ),
    ],
)
def test_where_nothing_fits_the_nearest_miss_of_each_rung_is_told(
    asked: Workload, sold: Market, shape: ModelShape, said: list[str]
) -> None:
    """The refusal names what came nearest on every rung, need against have, and what to change."""
    findings = refusal(asked, sold, shape)
    assert findings[0] == "Nothing on the market does tiny within its limits. Nearest, rung by rung:"
    assert [line.strip().partition(":")[0] for line in findings[1:5]] == [str(rung) for rung in Rung]
    assert findings[-1].startswith("To change: ")
    text = "\n".join(findings)
    assert [each for each in said if each not in text] == []


def test_more_accuracy_is_not_offered_twice() -> None:
    """Whoever accepts a loss already is not told to accept one."""
    findings = refusal(workload(techniques={"accept": "quantized"}), SOLD, HUGE)
    assert "techniques.accept" not in findings[-1]


def test_where_no_type_may_be_considered_the_reasons_are_told() -> None:
    """Reasons are grouped, the commonest first; with a pin, only the pinned type's own."""
    none = workload(limits={"instance_types": {"allow": ["g5*"]}})
    assert refusal(none, SOLD) == [
        "No instance type may be considered:",
        "  p5.four, p5.large, p5.small: the workload's limits leave it out; widen limits.instance_types",
    ]
    gone = market([replace(each, family="p3") for each in three_machines()], three_offers())
    assert refusal(workload(pin={"instance_type": "p5.four"}), gone) == [
        "No instance type may be considered:",
        "  p5.four: no public machine image has the driver that it needs; name one in provision.image",
    ]


def test_jobs_are_what_the_workload_says() -> None:
    """The search gets tokens and limits as numbers, and none where the user gives none."""
    assert job_of(workload()) == TrainingJob(sequence_tokens=1024, global_batch=8, tokens=8_192_000_000)
    served = job_of(workload(inference=inference(ttft="300ms", context_length="2k")))
    assert isinstance(served, ServingJob)
    assert (served.ttft_s, served.tpot_s, served.load.context_tokens) == (0.3, float("inf"), 2000)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (workload(), "pretrain on 8.19B tokens, sequences of 1,024, 8 a step"),
        (workload(inference=inference()), "serving 20 requests/s, 512 tokens in, 128 out"),
        (
            workload(inference=inference(requests_per_second=None, concurrency=4000, ttft="2s", tpot="50ms")),
            "serving 4,000 requests in flight, 512 tokens in, 128 out, TTFT within 2.00 s, TPOT within 50 ms",
        ),
    ],
)
def test_the_job_is_one_sentence(asked: Workload, sentence: str) -> None:
    """A reader sees what was asked in one line."""
    assert job_sentence(asked) == sentence


def test_pins_are_numbers_by_name() -> None:
    """Only what is pinned is told to the search."""
    assert pins_of(workload()) == {}
    pinned = {"nodes": 2, "micro_batch": 4, "layout": {"tensor": 2, "data": 1}}
    assert pins_of(workload(pin=pinned)) == {"nodes": 2, "micro_batch": 4, "tensor": 2, "data": 1}


def test_the_plan_is_plain_data() -> None:
    """Every figure of a plan is finite, so that it can be written as JSON."""
    text = lock_json_of(decision(workload(), SOLD))

    def fail(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(text, parse_constant=fail)
    assert "null" in text and "NaN" not in text


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
        (None, "1.992", 32, SPOT),
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
    """A block that costs a fifth less an hour is dearer for a run that leaves more than that of its days unused."""
    sold = market([ONE], [offer("p5.one", "1.6", purchase=BLOCK), offer("p5.one", 2)])

    def asked(tokens: int) -> Workload:
        limits = {"purchase": ["on-demand", "capacity-block"], "deadline": "3650d", "max_nodes": 1}
        return workload(training=training(tokens=tokens), limits=limits)

    run = plan(asked(10**12), sold).chosen.run
    assert run is not None
    tokens = round(10**12 * (days * 86_400 - run.start_up_s) / (run.run_s - run.start_up_s))
    found = plan(asked(tokens), sold).chosen
    assert found.run is not None
    assert found.run.run_s == pytest.approx(days * 86_400, rel=1e-4)
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
