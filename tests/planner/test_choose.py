"""Is everything accounted for that was not chosen, and is a question that has no answer told so?"""

from __future__ import annotations

import json
import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from planner.choose import RUNNERS_UP, job_of, pins_of
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
from pricing.records import replace
from tests.planner.brute_force import figures, score
from tests.planner.builders import DENSE
from tests.planner.market_builders import (
    NOW,
    decision,
    inference,
    market,
    plan,
    serving_machines,
    three_machines,
    three_offers,
    workload,
)


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


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        (
            {"layout": {"tensor": 3}},
            [
                "The pinned layout is not legal on any instance type:",
                "  tensor 3 must divide the 8 attention heads, and fit the 2 key-value heads",
            ],
        ),
        (
            {"instance_type": "p5.four", "layout": {"tensor": 3}},
            ["  tensor 3 must divide the 4 devices that a fast link joins in one node; pinned, it may also be a multi"],
        ),
        ({"layout": {"pipeline": 3, "virtual": 3}}, ["chunks must be equal: 8 layers over pipeline 3 x virtual 3"]),
        ({"layout": {"expert": 2}}, ["  expert 2 must divide the model's experts, of which it has 0"]),
        ({"layout": {"context": 2}}, ["an even number of tokens, 4,096 or more: context 2 of 1,024"]),
        (
            {"instance_type": "p5.four", "nodes": 2, "layout": {"tensor": 2, "pipeline": 2, "data": 4}},
            [
                "The pinned layout is not legal on p5.four:",
                "  the pinned degrees multiply to 16 devices, which must divide the devices of 2 nodes with 4 each",
            ],
        ),
        (
            {"instance_type": "p5.four", "layout": {"pipeline": 2, "data": 2}, "micro_batch": 4},
            ["as stages: a batch of 8 gives 1 or fewer to pipeline 2"],
        ),
        (
            {"layout": {"tensor": 3, "expert": 2, "data": 4}, "micro_batch": 3},
            [
                "  tensor 3 must divide the 8 attention heads",
                "  expert 2 must divide the model's experts",
                "  data 4 x micro-batch 3 must divide the global batch of 8",
            ],
        ),
    ],
)
def test_each_rule_that_a_pinned_layout_breaks_is_named(pin: dict[str, Any], said: list[str]) -> None:
    """All rules are told at once, with the numbers that break them, and nothing of what does not matter."""
    findings = refusal(workload(pin=pin), SOLD, DENSE)
    text = "\n".join(findings)
    assert [each for each in said if each not in text] == []
    assert findings[0].startswith("The pinned layout") and findings[-1] == "To change: pin."


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
    assert job_of(workload(), DENSE) == TrainingJob(sequence_tokens=1024, global_batch=8, tokens=8_192_000_000)
    served = job_of(workload(inference=inference(ttft="300ms", context_length="2k")), DENSE)
    assert isinstance(served, ServingJob)
    assert (served.ttft_s, served.tpot_s, served.load.context_tokens) == (0.3, float("inf"), 2000)


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
