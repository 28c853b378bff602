"""What has the plan of a job that answers requests beyond any plan: models beside it, a fleet, prompts apart?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.batch_setting import BatchJob
from planner.calibration import Calibration
from planner.co_served import (
    ANY_NODES,
    Other,
    apart_sentence,
    device_share,
    others_of,
    room_for_all,
    served_beside,
    with_others,
)
from planner.compare_split import split_comparison
from planner.cost import losses_per_hour
from planner.eligible import Contender
from planner.explain import Found
from planner.fleet_cost import with_fleet
from planner.fleet_fields import Fleet
from planner.fleet_plan import Choice, fleet_plan, units_of
from planner.fleet_record import FleetPlan
from planner.fleet_size import Units
from planner.plan import Candidate, Comparison, Cost, Deal, Rejection, ServedBeside
from planner.recipe import Recipe
from planner.search import Part, Pool, Scope
from planner.search_batch import search_batch
from planner.search_serving import ServingJob, load_of, rooms, search_serving
from planner.search_split import split_parts
from planner.serving import replica_of
from planner.shape import ModelShape
from planner.step_table import prompt_share
from planner.surroundings import is_fleet
from planner.usage import weights_bytes
from planner.workload import Workload
from pricing.market import Market


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
    parts = tuple(split_parts(known, job)) if _compares(workload, job) else ()
    allowed = workload.inference is not None and workload.inference.disaggregate == "allow"
    fitting = search_serving(scope, job, parts if allowed else (), known)
    free = {name: value for name, value in scope.pins.items() if name != "nodes"}
    unlimited = replace(scope, max_nodes=ANY_NODES, pins=free)
    loose = search_serving(unlimited, replace(job, ttft_s=np.inf, tpot_s=np.inf))
    return fitting, loose, parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a plan says of its answers: the cost with its fleet's, the models beside it, and prompts on their own.

    `said` are sentences for whoever reads the plan.
    """

    cost: Cost
    fleet: FleetPlan | None = None
    beside: tuple[ServedBeside, ...] = ()
    apart: Comparison | None = None
    said: tuple[str, ...] = ()


def answers_of(
    found: Found,
    parts: Sequence[Part],
    job: ServingJob | BatchJob,
    chosen: Candidate,
    cost: Cost,
    deals: Sequence[Deal],
    others: Sequence[Other],
    market: Market,
    calibration: Calibration,
) -> Answers:
    """What a plan says of its answers; of a batch job, that ends, nothing beyond any run."""
    if isinstance(job, BatchJob):
        return Answers(cost=cost)
    workload, shape = found.workload, found.scope.shape
    winner = found.contenders[int(found.pool.machine[found.chosen])]
    recipe = winner.options[int(found.pool.option[found.chosen])].recipe
    choice = _choice(
        workload, shape, job, chosen, units_of(found.pool, found.contenders), recipe, deals, market, calibration
    )
    fleet = fleet_plan(workload.inference.fleet if workload.inference else Fleet(), job, choice)
    beside = served_beside(chosen, winner.machine.devices, others, market, calibration) if others else ()
    return Answers(
        cost=with_fleet(cost, fleet, chosen) if is_fleet(workload) else cost,
        fleet=fleet,
        beside=tuple(beside),
        apart=split_comparison(found, parts, chosen, market) if _compares(workload, job) else None,
        said=tuple(apart_sentence(workload, shape, job, chosen, others, market, calibration)),
    )


def _compares(workload: Workload, job: ServingJob) -> bool:
    """Whether replicas for prompts beside others for answers are looked at."""
    asked = workload.inference is not None and workload.inference.disaggregate != "never"
    return asked and job.plain


def _choice(
    workload: Workload,
    shape: ModelShape,
    job: ServingJob,
    chosen: Candidate,
    units: Units,
    recipe: Recipe,
    deals: Sequence[Deal],
    market: Market,
    calibration: Calibration,
) -> Choice:
    """What the fleet of a served model is planned of."""
    machine, file_system = market.instance_types[chosen.instance_type], workload.provision.storage.file_system
    serving = workload.provision.serving
    factors = calibration.serving_factors(chosen.framework, chosen.accelerator)
    replica = replica_of(shape, recipe, chosen.layout, machine, factors, job.load)
    assert chosen.service is not None
    return Choice(
        chosen=chosen,
        units=units,
        machines=market.instance_types,
        deals=deals,
        weights_bytes=weights_bytes(shape, recipe),
        file_system=(file_system.capacity, file_system.throughput) if file_system else None,
        prompt_share=_prompt_share(chosen) or prompt_share(replica, job.load, chosen.service.concurrency),
        least_nodes=serving.least_nodes or 1 if serving else 1,
        losses_per_hour=losses_per_hour(chosen.instance_type, chosen.region, market),
        device_share=device_share(job, chosen),
    )


def _prompt_share(chosen: Candidate) -> float:
    """The share of the devices that work on prompts alone; 0 where all do both."""
    if chosen.split is None or chosen.service is None:
        return 0.0
    apart = chosen.split.replicas * chosen.split.layout.devices
    return apart / (apart + chosen.service.replicas * chosen.layout.devices)
