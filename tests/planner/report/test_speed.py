"""Is what a plan says of time and rates that of its own kind of job?"""

from __future__ import annotations

import pytest

from planner.plan import Band, Term
from planner.report.speed import banded, speed_rows
from planner.workload import Workload
from pricing.records import replace
from tests.planner.market_builders import (
    inference,
    market,
    plan,
    serving_machines,
    three_machines,
    three_offers,
    workload,
)

TRAIN = workload(limits={"max_nodes": 4})
SERVE = workload(inference=inference(), limits={"max_nodes": 4})
BATCH = workload(inference=inference(requests_per_second=None, requests=10_000))


@pytest.mark.parametrize(
    ("asked", "names"),
    [(TRAIN, ["run", "software"]), (SERVE, ["service", "latency", ""]), (BATCH, ["run"])],
)
def test_each_job_has_its_rows(asked: Workload, names: list[str]) -> None:
    """A training has steps and other software, a service answers with their spread, a batch its run."""
    machines = serving_machines() if asked.inference else three_machines()
    rows = dict(speed_rows(plan(asked, market(machines, three_offers())).chosen))
    assert list(rows) == names
    assert ("MFU" in rows.get("run", "")) is (asked is TRAIN)


def test_other_software_is_told_in_times() -> None:
    """A framework that takes twice as long is said to; where none runs the layout, that is said."""
    chosen = plan(TRAIN, market(three_machines(), three_offers())).chosen
    assert chosen.run
    twice = replace(chosen.run, other_software=(Term(name="slow", value=2 * chosen.run.step_s),))
    for run, says in ((twice, "in slow 2.00 times as long"), (replace(twice, other_software=()), "no other framework")):
        assert says in dict(speed_rows(replace(chosen, run=run)))["software"]


def test_a_time_has_its_edges() -> None:
    """The band's edges are factors of the time."""
    assert banded(10.0, Band(low=0.5, high=2.0, basis="made up")) == "10.00 s (5.00 s to 20.00 s)"


def test_a_service_says_at_how_many_in_flight_it_answers_so() -> None:
    """Times stand at the most in flight that a replica is planned for, and beside them at the planned load itself."""
    chosen = plan(SERVE, market(serving_machines(), three_offers())).chosen
    service = chosen.service
    assert service and service.load_spreads and service.spreads and service.load_concurrency
    assert service.load_concurrency < service.concurrency
    assert service.load_spreads.tpot.mean < service.spreads.tpot.mean
    rows = dict(speed_rows(chosen))
    assert f"a replica is planned for ({service.concurrency:.0f}) TTFT" in rows["service"]
    assert rows["latency"].startswith(f"at those {service.concurrency:.0f} in flight: TTFT mean")
    assert rows[""].startswith(f"at the planned load, {service.load_concurrency:.3g} in flight per replica: TTFT mean")
