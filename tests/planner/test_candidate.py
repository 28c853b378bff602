"""Does a candidate's account add up, term by term?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from planner.choose import job_of
from planner.plan import Candidate
from planner.recipe import Accuracy
from planner.search_training import TrainingJob
from planner.techniques import load_techniques
from planner.workload import Workload
from pricing.units import HOUR_S
from tests.planner.market_builders import (
    inference,
    market,
    plan,
    serving_machines,
    three_machines,
    three_offers,
    training,
    workload,
)


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
    """Seconds, tokens and money of a run are those of one step, times steps, times the price."""
    job = job_of(asked)
    assert isinstance(job, TrainingJob)
    for each in candidates(asked):
        run = each.run
        assert run is not None and each.service is None
        assert run.step_s == pytest.approx(sum(term.value for term in run.step_terms))
        assert run.steps * 8 * 1024 >= job.tokens > (run.steps - 1) * 8 * 1024
        assert run.run_s == pytest.approx(run.steps * run.step_s)
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
