"""Does a row of a batch job's search tell its memory, its run and its passes as they were searched?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.batch_candidate import batch_run, batch_table
from planner.batch_setting import BatchJob
from planner.calibration import load_calibration
from planner.eligible import Contender
from planner.layout import Layout
from planner.recipe import Place, Recipe
from planner.recipes import Option
from planner.serving import Load
from pricing.catalog import load_instance_types
from pricing.records import replace
from tests.planner.builders import DENSE, framework

LOAD = Load(input_tokens=256, output_tokens=32, context_tokens=288)
JOB = BatchJob(load=LOAD, requests=1000, deadline_s=1e9)
CALIBRATION = load_calibration()
MACHINE = load_instance_types()["g4dn.12xlarge"]


def option(engine: str = "vllm", **places: Any) -> tuple[Contender, Option]:
    """An engine on four T4s."""
    made = Option(framework=framework(engine), recipe=Recipe(compute_dtype="fp16", **places), extra=0)
    return Contender(machine=MACHINE, options=(made,), offers=()), made


def test_the_table_shows_the_cache_that_must_fit() -> None:
    """One request at a time of a long context is given room for all of it, as the search asks."""
    wide = replace(JOB, load=replace(LOAD, context_tokens=4096))
    tables = [batch_table(DENSE, job, *option(), Layout(micro_batch=1), CALIBRATION) for job in (JOB, wide)]
    short, whole = ({term.name: term.value for term in table.terms}["cache in use"] for table in tables)
    assert whole == pytest.approx(short * 4096 / 288)
    assert all(table.device_bytes == MACHINE.device_memory_bytes for table in tables)


def test_what_streams_is_told_by_place() -> None:
    """A table is of the device alone; what lies off it stands by place, and each pass is its parts at once."""
    layout = Layout(micro_batch=4, micro_batches=3)
    on_disk = option("flexgen", weights_place=Place.DISK, kv_place=Place.HOST)
    table = batch_table(DENSE, JOB, *on_disk, layout, CALIBRATION)
    assert table.stage == "the device of a replica"
    assert table.total_bytes == pytest.approx(sum(term.value for term in table.terms), abs=1)
    run, batch = batch_run(DENSE, JOB, *on_disk, layout, CALIBRATION, 4)
    assert [each.name for each in batch.passes] == ["prompts", "a further token"]
    for each in batch.passes:
        assert each.total_s == max(
            each.to_device_s, each.from_device_s, each.disk_reads_s, each.disk_writes_s, each.device_s
        )
    assert {each.of for each in batch.elsewhere} <= {"of host memory per node", "of local disk per node"}
    # 250 requests a replica in blocks of twelve.
    assert (run.steps, batch.in_flight) == (21, 12)


@pytest.mark.parametrize("replicas", [1, 4, 7])
def test_replicas_share_the_requests(replicas: int) -> None:
    """Each replica works through its share; tokens come of all, and failures of one come as often as they are many."""
    layout = Layout(micro_batch=8)
    run, batch = batch_run(DENSE, JOB, *option(), layout, CALIBRATION, replicas)
    alone, _ = batch_run(DENSE, replace(JOB, requests=-(-1000 // replicas)), *option(), layout, CALIBRATION, 1)
    assert (batch.replicas, batch.requests, batch.passes) == (replicas, 1000, ())
    assert run.step_s == alone.step_s and run.run_s == alone.run_s
    assert run.between_failures_s == pytest.approx(alone.between_failures_s / replicas)
    work_s = run.run_s - run.start_up_s - run.failures_s
    assert run.tokens_per_s == pytest.approx(1000 * 32 / work_s)


def test_a_loss_undoes_half_of_what_is_in_flight() -> None:
    """Eight of a thousand requests in flight are 0.8 % of the work, half of it lost; all nodes of a replica stop."""
    run, _ = batch_run(DENSE, JOB, *option(), Layout(micro_batch=8), CALIBRATION, 1)
    work_s = run.run_s - run.start_up_s - run.failures_s
    assert run.lost_s == pytest.approx(0.004 * work_s)
    two, _ = batch_run(DENSE, JOB, *option(), Layout(micro_batch=8, tensor=4, pipeline=2), CALIBRATION, 1)
    assert (run.stopped_nodes, two.stopped_nodes) == (1, 2)


def test_embeddings_count_what_they_read() -> None:
    """Without answers the rate is of the tokens read."""
    reads = replace(JOB, load=Load(input_tokens=256, output_tokens=0, context_tokens=256))
    run, _ = batch_run(DENSE, reads, *option(), Layout(micro_batch=8), CALIBRATION, 1)
    work_s = run.run_s - run.start_up_s - run.failures_s
    assert run.tokens_per_s == pytest.approx(1000 * 256 / work_s)
