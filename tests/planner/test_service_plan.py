"""Does the plan of a service say what no other has, and no other plan any of it?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.choose import job_of
from planner.search_serving import ServingJob
from planner.service_plan import ServicePlan, compares_split
from tests.planner.builders import DENSE
from tests.planner.market_builders import decision, inference, market, serving_machines, three_offers, workload

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100"


def test_a_run_that_ends_has_none_of_it() -> None:
    """Neither a training nor a batch has a fleet, models beside it, or prompts apart."""
    sold = market(serving_machines(), three_offers())
    batch = workload(inference=inference(requests_per_second=None, requests=10_000))
    for asked in (batch, workload(limits={"max_nodes": 4})):
        found = decision(asked, sold)
        assert (found.plan.fleet, found.plan.beside, found.plan.apart) == (None, (), None)
        assert ServicePlan().as_built(found.build) is None


def test_a_fleet_scales_between_what_its_stack_lets_it() -> None:
    """The stack's bounds are the plan's; without a serving stack the plan's own hold."""
    sold = market(serving_machines(), three_offers())
    serving = {
        "certificate": "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef",
        "most_nodes": 40,
    }
    target = {"target": "serving-fleet", "serving": serving}
    built, plain = (decision(workload(inference=inference(), provision=provision), sold) for provision in (target, {}))
    assert built.plan.fleet and built.build.fleet and plain.plan.fleet
    assert (built.plan.fleet.most_nodes, built.build.fleet.most_nodes) == (40, 40)
    assert plain.build.fleet is None
    assert plain.plan.fleet.most_nodes == plain.plan.chosen.nodes


@pytest.mark.parametrize(
    ("changes", "compares"),
    [
        ({}, True),
        ({"disaggregate": "allow"}, True),
        ({"disaggregate": "never"}, False),
        ({"adapters": {"count": 4, "rank": 8}}, False),
        ({"output_tokens": None, "engine": None}, False),
    ],
)
def test_only_plain_answers_are_compared_apart(changes: dict[str, Any], compares: bool) -> None:
    """Who wants no comparison gets none; nor do adapters and embeddings, which have no formulas for it."""
    asked = workload(inference=inference(**changes))
    job = job_of(asked, DENSE)
    assert isinstance(job, ServingJob)
    assert compares_split(asked, job) is compares
