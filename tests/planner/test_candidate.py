"""Does a candidate's account add up, term by term?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.candidate import candidate
from planner.choose import job_of
from planner.eligible import contenders
from planner.errors import NoFeasiblePlan
from planner.plan import Candidate, is_own
from planner.rank import join_offers, rank
from planner.recipe import Accuracy
from planner.search import Scope
from planner.search_serving import ServingJob, search_serving
from planner.search_training import TrainingJob, search_training
from planner.techniques import load_techniques
from planner.workload import Workload
from pricing.market import Market
from pricing.offer import Purchase
from pricing.units import HOUR_S
from tests.planner.builders import DENSE
from tests.planner.market_builders import (
    CALIBRATION,
    inference,
    interrupted,
    machine,
    market,
    offer,
    plan,
    serving_machines,
    three_machines,
    three_offers,
    training,
    workload,
)
from tests.planner.questions import few, markets, serving_workloads, training_workloads

CENT = Decimal("0.01")


def candidates(asked: Workload) -> list[Candidate]:
    """The chosen, the runners-up and the best of every rung."""
    machines = serving_machines() if asked.inference else three_machines()
    found = plan(asked, market(machines, three_offers()))
    return [found.chosen, *found.runners_up, *(answer.best for answer in found.ladder if answer.best)]


TRAINED = [
    workload(training=training(framework=framework), limits={"max_nodes": 4}, objective=objective)
    for framework in ("megatron", "deepspeed", "torchtitan")
    for objective in ("cost", "time")
]
SERVED: list[Workload] = [
    workload(inference=inference(**changes), limits={"max_nodes": 8})
    for changes in ({}, {"requests_per_second": None, "concurrency": 100}, {"precision": "int8"})
]


@pytest.mark.parametrize("asked", [*TRAINED, *SERVED])
def test_the_memory_table_adds_up(asked: Workload) -> None:
    """The total is the sum of the terms, none of them negative, and fits at the upper edge of its band."""
    for each in candidates(asked):
        memory = each.memory
        assert memory.total_bytes == pytest.approx(sum(term.value for term in memory.terms), abs=1)
        assert all(term.value > 0 for term in memory.terms)
        assert memory.headroom_bytes == memory.device_bytes - memory.total_bytes > 0
        if each.run:
            assert memory.total_bytes * memory.band.high <= memory.device_bytes


@pytest.mark.parametrize("asked", TRAINED)
def test_the_run_follows_from_its_step(asked: Workload) -> None:
    """A run takes its start-up, a step's seconds times steps, and what interrupts it; its money hours times price."""
    job = job_of(asked, DENSE)
    assert isinstance(job, TrainingJob)
    for each in candidates(asked):
        run = each.run
        assert run is not None and each.service is None
        assert run.step_s == pytest.approx(sum(term.value for term in run.step_terms))
        assert run.steps * 8 * 1024 >= job.tokens > (run.steps - 1) * 8 * 1024
        assert run.run_s == pytest.approx(run.start_up_s + run.steps * run.step_s + run.checkpoints_s + run.failures_s)
        assert 0 < run.utilization < run.unmasked_utilization < 1
        assert 0 < run.checkpoints_s + run.failures_s < 0.02 * run.run_s
        assert run.tokens_per_s == pytest.approx(8 * 1024 / run.step_s)
        assert run.usd == (each.usd_per_hour * Decimal(run.run_s / HOUR_S)).quantize(Decimal("0.01"))
        assert run.band.low < 1 < run.band.high


@pytest.mark.parametrize("asked", SERVED)
def test_the_service_carries_the_load(asked: Workload) -> None:
    """The fleet answers what is asked for, its cache holds what is in flight, and the month costs 730 hours."""
    wanted = asked.inference
    assert wanted is not None
    for each in candidates(asked):
        service = each.service
        assert service is not None and each.run is None
        assert service.usd_per_month == (each.usd_per_hour * 730).quantize(Decimal("0.01"))
        assert service.kv_capacity_tokens >= service.concurrency * 640
        if wanted.requests_per_second:
            assert service.output_tokens_per_s == pytest.approx(20 * 128)
            tokens_per_hour = Decimal(20 * 640 * 3600)
            expected = each.usd_per_hour / tokens_per_hour * 10**6
            assert service.usd_per_million_tokens == pytest.approx(expected, abs=Decimal("0.0001"))
        else:
            assert service.replicas * service.concurrency >= 100


@pytest.mark.parametrize("asked", [*TRAINED, *SERVED])
def test_the_nodes_hold_the_devices(asked: Workload) -> None:
    """A layout fills its nodes; a fleet has room for its replicas; the price is that of all nodes."""
    prices = {"p5.small": Decimal(1), "p5.four": Decimal("4.4"), "p5.large": Decimal(5)}
    for each in candidates(asked):
        replicas = each.service.replicas if each.service else 1
        devices = each.nodes * each.accelerators_per_node
        assert replicas * each.layout.devices <= devices
        if each.run:
            assert each.layout.devices == devices
            assert each.layout.global_batch == 8
        assert each.usd_per_hour == each.nodes * prices[each.instance_type]


@pytest.mark.parametrize(
    ("pin", "stage"),
    [
        ({"layout": {"pipeline": 1}}, "every device"),
        ({"instance_type": "p5.four", "nodes": 1, "layout": {"pipeline": 4}}, " of 4 pipeline stages"),
    ],
)
def test_the_worst_stage_is_named(pin: dict[str, Any], stage: str) -> None:
    """The table says which devices it is about: all of them, or those of the stage that needs most."""
    (chosen, *_) = candidates(workload(pin=pin, limits={"max_nodes": 4}))
    assert stage in chosen.memory.stage


def test_techniques_are_those_of_the_recipe() -> None:
    """A candidate names one technique of every group that its recipe answers."""
    (chosen, *_) = candidates(workload(training=training(method="lora", framework="deepspeed")))
    assert {"lora", "bf16", "adamw"} <= set(chosen.techniques)
    assert chosen.framework == "deepspeed"


@pytest.mark.parametrize(
    ("asked", "accuracy"),
    [
        (workload(), Accuracy.EXACT),
        (workload(training=training(method="lora", framework="deepspeed")), Accuracy.ADAPTER),
        (workload(training=training(method="qlora", framework="huggingface")), Accuracy.QUANTIZED),
        (workload(inference=inference()), Accuracy.EXACT),
        (workload(inference=inference(precision="int4")), Accuracy.QUANTIZED),
    ],
)
def test_the_loss_is_the_greatest_of_any_technique(asked: Workload, accuracy: Accuracy) -> None:
    """A candidate says what its techniques cost in accuracy together: as much as the worst of them."""
    for each in candidates(asked):
        assert each.accuracy is accuracy
        assert each.accuracy.rank == max(load_techniques()[name].accuracy.rank for name in each.techniques)


def test_the_price_has_somebodys_word() -> None:
    """Every candidate says who stated its price, and when, and where it is sold."""
    sold = {each.instance_type: each for each in three_offers()}
    for each in candidates(workload()):
        offered = sold[each.instance_type]
        assert (each.provenance, each.region, each.zone_ids) == (offered.provenance, offered.region, offered.zone_ids)


def paid(each: Candidate) -> Decimal:
    """What a candidate costs: a run, or a month."""
    if each.run:
        return each.run.usd
    assert each.service
    return each.service.usd_per_month


@few
@given(
    question=st.one_of(
        st.tuples(training_workloads(), markets()), st.tuples(serving_workloads(), markets(serving=True))
    ),
    data=st.data(),
)
def test_a_row_and_its_candidate_cost_the_same(question: tuple[Workload, Market], data: st.DataObject) -> None:
    """On any terms the money that rows are ranked by is what the candidate says, the best row's and any other's."""
    asked, sold = question
    calibration = CALIBRATION
    able, _ = contenders(asked, DENSE, sold)
    scope = Scope(
        shape=DENSE,
        machines=tuple(each.machine for each in able),
        options=tuple(each.options for each in able),
        calibration=calibration,
        max_nodes=asked.limits.max_nodes,
        pins={},
    )
    job = job_of(asked, DENSE)
    assert isinstance(job, TrainingJob | ServingJob)
    searched = search_training(scope, job) if isinstance(job, TrainingJob) else search_serving(scope, job)
    pool = join_offers(able, searched, sold)
    ranking = rank(asked, DENSE, able, pool, sold, calibration)
    rows = ranking.order[:1].tolist()
    if len(pool):
        rows.append(data.draw(st.integers(0, len(pool) - 1)))
    for row in rows:
        contender = able[int(pool.machine[row])]
        found = candidate(DENSE, job, contender, pool, row, sold, calibration)
        offered = contender.offers[int(pool.offer[row])]
        assert (found.region, found.purchase, found.zone_ids) == (offered.region, offered.purchase, offered.zone_ids)
        assert found.usd_per_hour == offered.usd_per_hour_per_node * found.nodes
        assert float(paid(found)) == pytest.approx(ranking.usd[row], rel=1e-12, abs=0.00501)


@few
@given(
    question=st.one_of(
        st.tuples(training_workloads(), markets()), st.tuples(serving_workloads(), markets(serving=True))
    )
)
def test_a_candidate_costs_what_the_bill_and_the_deals_say(question: tuple[Workload, Market]) -> None:
    """The instances' line, with restarts and the rest of a block, is the plan's money; so is its own deal."""
    asked, sold = question
    try:
        found = plan(asked, sold)
    except NoFeasiblePlan:
        return
    chosen = found.chosen
    lines = {each.name: each.usd_per_run if chosen.run else each.usd_per_month for each in found.cost.lines}
    parts = [lines.get(name) for name in ("instances", "spot restarts", "idle reserved capacity")]
    assert abs(sum(each for each in parts if each is not None) - paid(chosen)) <= CENT
    (own,) = (each for each in found.deals if is_own(each, chosen))
    assert (own.usd_per_run if chosen.run else own.usd_per_month) == paid(chosen)
    assert own.usd_per_hour_per_node * chosen.nodes == chosen.usd_per_hour
    assert ("spot restarts" in lines) is (chosen.run is not None and chosen.purchase is Purchase.SPOT)


def test_a_run_on_spot_pays_for_its_restarts_by_hand() -> None:
    """At 7.5 % a month a node wastes 0.00534 % of the run: 0.0779615 / 730 h, half an hour each."""
    kind = machine("p5.one", memory_gib=6)
    sold = [offer("p5.one", 100, purchase=Purchase.SPOT)]
    asked = workload(limits={"purchase": ["spot"], "deadline": "3650d"}, pin={"nodes": 4})
    bands = [interrupted(("p5.one", "us-east-1", *band)) for band in ((0.0, 0.0), (0.05, 0.10))]
    calm, rough = (plan(asked, market([kind], sold, interruptions=each)).chosen for each in bands)
    assert calm.run is not None and rough.run is not None
    assert (rough.run.run_s, rough.usd_per_hour) == (calm.run.run_s, calm.usd_per_hour)
    hours = rough.run.run_s / 3600
    assert float(calm.run.usd) == pytest.approx(400 * hours, abs=0.005)
    assert float(rough.run.usd - calm.run.usd) == pytest.approx(400 * hours * 4 * 0.0779615 / 730 / 2, abs=0.011)


def test_a_run_in_a_block_pays_for_all_of_it() -> None:
    """A run of some days in a Capacity Block costs whole days, one of some weeks whole weeks."""
    kind = machine("p5.one", memory_gib=6)
    sold = market([kind], [offer("p5.one", 10, purchase=Purchase.CAPACITY_BLOCK)])
    whole = set()
    for tokens in (10**9, 10**11, 5 * 10**11, 10**12, 2 * 10**12):
        asked = workload(
            training=training(tokens=tokens),
            limits={"purchase": ["capacity-block"], "deadline": "3650d", "max_nodes": 1},
        )
        run = plan(asked, sold).chosen.run
        assert run is not None
        days = run.usd / 240
        # To the edge of its band, and half an hour before the block's end.
        needed = (run.latest_s + 1800) / 86_400
        step = 1 if needed <= 14 else 7
        assert days % step == 0
        assert needed <= days < needed + step
        whole.add(days)
    assert len(whole) > 2
