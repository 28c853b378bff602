"""Is the batch search's pool what each row alone would say, and does a batch job's plan add up?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.batch_setting import BatchJob, BatchSetting
from planner.calibration import load_calibration
from planner.choose import job_of, make_plan
from planner.decide import decide
from planner.eligible import contenders
from planner.errors import NoFeasiblePlan
from planner.load import load_workload
from planner.lock import new_lock, read_lock, write_lock
from planner.models import load_preset
from planner.plan import Decision, Plan, Target
from planner.search import Pool, Scope
from planner.search_batch import search_batch
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.market import Market, load_market
from pricing.offer import Purchase
from pricing.records import replace
from pricing.units import HOUR_S
from tests.planner.builders import DENSE
from tests.planner.market_builders import inference, interrupted, market, offer, plan, serving_machines, three_offers
from tests.planner.market_builders import workload as tiny

NOW = datetime(2026, 11, 30, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[2] / "workloads" / "batch-opt175b-t4.yaml"
CALIBRATION = load_calibration()
T4_ONLY = {"instance_types": {"allow": ["g4dn.*"]}}


def asked(requests: int = 1000, **sections: Any) -> Workload:
    """A batch of requests of an OPT on T4s."""
    load = {"requests": requests, "input_tokens": 512, "output_tokens": 32}
    return tiny(model="opt-30b", inference=load, **{"limits": T4_ONLY, **sections})


def searched(workload: Workload, shape: ModelShape, sold: Market) -> tuple[Scope, Pool, BatchJob]:
    """All rows of a workload."""
    able, _ = contenders(workload, shape, sold)
    job = job_of(workload, shape)
    assert isinstance(job, BatchJob)
    scope = Scope(
        shape=shape,
        machines=tuple(each.machine for each in able),
        options=tuple(each.options for each in able),
        calibration=CALIBRATION,
        max_nodes=workload.limits.max_nodes,
        pins={},
    )
    return scope, search_batch(scope, job), job


def bundled(workload: Workload) -> Market:
    """The bundled market."""
    return load_market(workload.limits.regions, workload.limits.purchase)


def planned(workload: Workload, shape: ModelShape | None = None) -> Plan:
    """The plan on the bundled market."""
    return make_plan(workload, shape or load_preset("opt-30b"), bundled(workload), CALIBRATION, NOW).plan


def test_every_row_is_what_it_says_alone() -> None:
    """Each row's time is that of its own layout, share and start; it fits its device, its host and its disk."""
    shape = load_preset("opt-30b")
    scope, pool, job = searched(asked(), shape, bundled(asked()))
    assert len(pool) > 50
    for row in range(0, len(pool), max(len(pool) // 60, 1)):
        machine = scope.machines[int(pool.machine[row])]
        option = scope.options[int(pool.machine[row])][int(pool.option[row])]
        setting = BatchSetting(shape=shape, option=option, machine=machine, load=job.load, calibration=CALIBRATION)
        layout, share = pool.layout.row(row), float(np.ceil(job.requests / pool.replicas[row]))
        run = setting.run(layout, share)
        clock = setting.clock(layout, run, share)
        assert float(clock.run_s) == pytest.approx(pool.job_s[row])
        if option.framework.streaming:
            memory = setting.memory(layout)
            assert memory.band.high * memory.total <= machine.device_memory_bytes * (1 + 1e-9)
            assert memory.host <= memory.host_have * (1 + 1e-9)
            assert memory.disk <= memory.disk_have
            assert pool.replicas[row] == pool.nodes[row] * machine.devices


def test_more_nodes_are_faster() -> None:
    """Of one layout on one type the time falls with the nodes, and no replica is without a request."""
    _, pool, job = searched(asked(40), load_preset("opt-30b"), bundled(asked()))
    assert (pool.replicas <= job.requests + 7).all()
    first = (pool.machine == pool.machine[0]) & (pool.option == pool.option[0])
    first &= (pool.layout.micro_batch == pool.layout.micro_batch[0]) & (
        pool.layout.micro_batches == pool.layout.micro_batches[0]
    )
    times = pool.job_s[first][np.argsort(pool.nodes[first])]
    assert (np.diff(times) <= 1e-9).all()


def test_the_example_is_planned_on_one_t4() -> None:
    """OPT-175B finds its place on one T4, from disk, with time, money and memory of each place told."""
    found = decide(load_workload(EXAMPLE), CALIBRATION, NOW)
    chosen = found.plan.chosen
    assert (chosen.nodes, chosen.accelerator, chosen.accelerators_per_node) == (1, "T4", 1)
    assert "disk-weights" in chosen.techniques
    assert chosen.accuracy == "exact"
    assert chosen.batch and chosen.run and chosen.service is None
    assert [each.of for each in chosen.batch.elsewhere] == ["of host memory per node", "of local disk per node"]
    assert all(each.need_bytes <= each.have_bytes for each in chosen.batch.elsewhere)
    assert chosen.memory.total_bytes * chosen.memory.band.high <= chosen.memory.device_bytes * (1 + 1e-6)
    assert not chosen.run.band.measured
    assert found.build.target is Target.SINGLE_INSTANCE
    assert found.build.fleet is None


def test_money_is_of_the_run() -> None:
    """A batch job costs its hours; a million tokens are what the whole bill comes to over all tokens."""
    found = planned(asked())
    run, batch = found.chosen.run, found.chosen.batch
    assert run and batch
    hours = Decimal(run.run_s / HOUR_S)
    assert float(run.usd) == pytest.approx(float(found.chosen.usd_per_hour * hours), abs=0.006)
    tokens = 1000 * (512 + 32)
    assert found.cost.usd_per_run and found.cost.usd_per_million_tokens
    assert float(found.cost.usd_per_million_tokens) == pytest.approx(float(found.cost.usd_per_run) / tokens * 1e6)
    assert float(batch.usd_per_million_tokens) == pytest.approx(float(run.usd) / tokens * 1e6, abs=1e-4)
    assert all(deal.usd_per_run is not None for deal in found.deals)


def test_a_deadline_takes_more_nodes() -> None:
    """A deadline that one node misses is kept by several that work without each other; the plan says so."""
    named = {"requests": 20_000, "input_tokens": 512, "output_tokens": 32, "engine": "flexgen"}
    slow = planned(tiny(model="opt-30b", inference=named, limits=T4_ONLY))
    assert slow.chosen.run and slow.chosen.nodes == 1
    half = slow.chosen.run.run_s / 2
    limits = {**T4_ONLY, "deadline": f"{half / HOUR_S:.4f}h"}
    fast = planned(tiny(model="opt-30b", inference=named, limits=limits))
    assert fast.chosen.nodes > 1
    assert fast.chosen.run and fast.chosen.run.run_s <= half
    assert any("divide the requests among them" in each for each in fast.warnings)


def test_an_impossible_deadline_tells_the_fastest() -> None:
    """Where nothing is done in time the fastest is named, with its time and its price."""
    with pytest.raises(NoFeasiblePlan) as refused:
        planned(asked(20_000, limits={**T4_ONLY, "deadline": "6min"}))
    assert any("which takes" in each and "for $" in each and "6.0 min" in each for each in refused.value.findings)


def test_only_what_no_device_holds_streams() -> None:
    """A model that one device holds whole is not streamed; one that names the engine is."""
    small = load_preset("opt-1.3b")
    plain = planned(replace_model(asked(), "opt-1.3b"), small)
    assert plain.chosen.framework == "vllm"
    named = {"requests": 1000, "input_tokens": 512, "output_tokens": 32, "engine": "flexgen"}
    assert planned(tiny(model="opt-1.3b", inference=named, limits=T4_ONLY), small).chosen.framework == "flexgen"


def replace_model(workload: Workload, model: str) -> Workload:
    """The same workload of another model."""
    return workload.model_copy(update={"model": model})


def test_four_bits_are_taken_where_they_are_accepted() -> None:
    """FlexGen's packed weights and cache need a loss of accuracy to be accepted; then they are cheaper."""
    exact = planned(asked(limits={"instance_types": {"allow": ["g4dn.4xlarge"]}}))
    packed = planned(asked(techniques={"accept": "quantized"}, limits={"instance_types": {"allow": ["g4dn.4xlarge"]}}))
    assert "group-int4-weights" not in exact.chosen.techniques
    assert packed.chosen.accuracy == "quantized"
    assert packed.chosen.run and exact.chosen.run
    assert packed.chosen.run.usd < exact.chosen.run.usd


def batch_of(requests: int, **changes: Any) -> dict[str, Any]:
    """An inference section of a small model whose load is a batch."""
    return inference(requests_per_second=None, requests=requests, **changes)


@pytest.mark.parametrize("nodes", [1, 4])
def test_an_interruption_stops_one_replica(nodes: int) -> None:
    """On spot each node's loss wastes its own time alone: the share lost does not grow with the nodes."""
    sold = market(
        serving_machines(),
        [offer("p5.large", 5, purchase=Purchase.SPOT)],
        interruptions=interrupted(("p5.large", "us-east-1", 0.1, 0.2)),
    )
    wanted = tiny(inference=batch_of(200_000), limits={"purchase": ["spot"]}, pin={"nodes": nodes})
    found = plan(wanted, sold, DENSE).chosen
    assert found.run and found.nodes == nodes
    usd = float(found.usd_per_hour) * found.run.run_s / HOUR_S
    assert found.run.lost_s is not None and found.run.stopped_nodes == 1
    rate = -np.log(1 - 0.15) / 730
    assert float(found.run.usd) == pytest.approx(usd * (1 + rate * (0.25 + found.run.lost_s / HOUR_S)), abs=0.02)


def test_data_parallel_replicas_share_an_instance() -> None:
    """Replicas of an ordinary engine fill all devices of a node."""
    wanted = tiny(inference=batch_of(100_000), pin={"instance_type": "p5.four"})
    found = plan(wanted, market(serving_machines(), three_offers()), DENSE).chosen
    assert found.batch
    assert found.batch.replicas * found.layout.devices == found.nodes * 4


def test_embeddings_are_a_batch_too() -> None:
    """A batch without answers is planned, and paid by the tokens that it reads."""
    wanted = tiny(model="bert-base", inference={"requests": "1M", "input_tokens": 128})
    found = planned(wanted, load_preset("bert-base"))
    assert found.chosen.batch and found.chosen.run
    assert found.chosen.run.tokens_per_s > 0


def test_the_lock_keeps_a_batch(tmp_path: Path) -> None:
    """A batch job's plan is read back from its lock as it was written."""
    loaded = load_workload(EXAMPLE)
    decision: Decision = decide(loaded, CALIBRATION, NOW)
    path = tmp_path / "x.plan.json"
    write_lock(path, new_lock(loaded, decision, CALIBRATION, NOW))
    locked = read_lock(path).plan
    assert locked and locked.chosen == replace(decision.plan.chosen)
