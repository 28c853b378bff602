"""What has the plan of a job that answers requests beyond any plan: models beside it, a fleet, prompts apart?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.batch_setting import BatchJob
from planner.calibration import Calibration
from planner.co_served import Other, others_of, room_for_all, with_others
from planner.eligible import Contender
from planner.explain import Found
from planner.plan import Candidate, Deal, Rejection
from planner.recipe import Recipe
from planner.search import ANY_NODES, Part, Pool, Scope
from planner.search_batch import search_batch
from planner.search_serving import ServingJob, load_of, rooms, search_serving
from planner.search_split import split_parts
from planner.service_plan import ServicePlan, compares_split, service_plan
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.market import Market
from pricing.records import replace


def answering_job(workload: Workload, shape: ModelShape) -> ServingJob | BatchJob:
    """The workload of a service, or of a batch of requests, as the search needs it."""
    assert workload.inference is not None
    inference = workload.inference
    if inference.requests:
        return BatchJob(
            load=load_of(inference, shape), requests=inference.requests, deadline_s=workload.limits.deadline_s
        )
    return ServingJob(
        load=load_of(inference, shape),
        requests_per_s=inference.requests_per_second,
        concurrency=inference.concurrency,
        ttft_s=inference.ttft or np.inf,
        tpot_s=inference.tpot or np.inf,
        headroom=inference.fleet.headroom,
        spare=inference.fleet.spare,
    )


def beside_others(
    workload: Workload,
    job: ServingJob | BatchJob,
    able: tuple[Contender, ...],
    market: Market,
    calibration: Calibration,
) -> tuple[ServingJob | BatchJob, tuple[Contender, ...], tuple[Rejection, ...], tuple[Other, ...]]:
    """The job and the contenders where further models stand on the same instances, who is refused, and these models."""
    others = others_of(workload, market, calibration)
    able, crowded = room_for_all(able, others)
    if isinstance(job, ServingJob):
        job = with_others(job, others, able)
    return job, able, crowded, others


def search_answers(scope: Scope, job: ServingJob | BatchJob, workload: Workload) -> tuple[Pool, Pool, tuple[Part, ...]]:
    """What fits and keeps the limits, what fits, and the fleets whose prompts have replicas of their own."""
    if isinstance(job, BatchJob):
        fitting = search_batch(scope, job)
        return fitting, fitting, ()
    known = tuple(rooms(scope, job))
    parts = tuple(split_parts(known, job)) if compares_split(workload, job) else ()
    allowed = workload.inference is not None and workload.inference.disaggregate == "allow"
    fitting = search_serving(scope, job, parts if allowed else (), known)
    free = {name: value for name, value in scope.pins.items() if name != "nodes"}
    unlimited = replace(scope, max_nodes=ANY_NODES, pins=free)
    loose = search_serving(unlimited, replace(job, ttft_s=np.inf, tpot_s=np.inf))
    return fitting, loose, parts


def service_of(
    found: Found,
    job: ServingJob | BatchJob,
    chosen: Candidate,
    recipe: Recipe,
    deals: Sequence[Deal],
    others: Sequence[Other],
    parts: Sequence[Part],
    market: Market,
) -> ServicePlan:
    """What a plan says of its service; of a batch job, that ends, nothing beyond any run."""
    if isinstance(job, BatchJob):
        return ServicePlan()
    return service_plan(found, job, chosen, recipe, deals, others, parts, market)
