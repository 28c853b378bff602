"""Is a split fleet told as the search found it?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.calibration import Calibration
from planner.plan import Service
from planner.search import Part
from planner.search_serving import ServingJob, rooms
from planner.search_split import split_parts
from planner.serving import replica_answer
from planner.split_record import Split
from planner.split_service import split_service
from pricing.records import replace
from tests.planner.builders import DENSE
from tests.planner.market_builders import inference, market, offer, plan, serving_machines, workload
from tests.planner.test_search_serving import CALIBRATION, IN_FLIGHT, LOAD, MACHINES, OPTIONS, RATE, searched


def told(part: Part, job: ServingJob) -> tuple[Service, Split]:
    """The service of a part of the search, beside one of the same replicas alone."""
    sold = market(serving_machines(), [offer("p5.small", 1)])
    alone = plan(workload(inference=inference()), sold).chosen.service
    assert alone is not None and part.partner is not None
    known: Calibration = replace(CALIBRATION, serving={"vllm": {**CALIBRATION.serving["vllm"]}})
    on, option, layout = MACHINES[part.machine], OPTIONS[part.option], part.layout.row(0)
    answer = replica_answer(DENSE, option.recipe, layout, LOAD, on, CALIBRATION.serving_factors("vllm", "chip"))
    rate = job.requests_per_s or (job.concurrency or 0) / float(answer.request_s)
    made: Any = replace(alone, requests_per_s=rate, tokens_per_s=rate * 4500, output_tokens_per_s=rate * 500)
    return split_service(DENSE, job, on, option, layout, part.partner, made, known)


@pytest.mark.parametrize("job", [RATE, IN_FLIGHT], ids=["rate", "in flight"])
def test_times_and_rates_are_those_of_the_search(job: ServingJob) -> None:
    """A request takes what the search ranked by, replicas take the rate that it sized by, and nothing is measured."""
    parts = list(split_parts(rooms(searched(), job), job))
    assert parts
    for part in parts:
        service, split = told(part, job)
        assert service.ttft_s + 499 * service.tpot_s == pytest.approx(float(part.job_s[0]))
        assert service.requests_per_s_per_replica == pytest.approx(float(part.rate[0]))
        assert service.tokens_per_s == pytest.approx(9 * service.output_tokens_per_s)
        assert not service.band.measured and part.partner is not None
        assert (split.layout, split.replicas) == (part.partner.layout, part.partner.replicas)
        assert 0 < split.busy <= 0.8 + 1e-9 and split.queue_s >= 0 and split.handover_s >= 0


@pytest.mark.parametrize("headroom", [0.0, 0.5])
def test_those_in_flight_come_as_often_as_they_are_answered(headroom: float) -> None:
    """By Little's law a fixed number in flight and the time of a request make the rate: head-room, for which there are
    replicas, asks nothing yet."""
    grown = replace(IN_FLIGHT, headroom=headroom)
    for part in split_parts(rooms(searched(), grown), grown):
        service, _ = told(part, grown)
        assert service.requests_per_s == pytest.approx(37 / (service.ttft_s + 499 * service.tpot_s))
