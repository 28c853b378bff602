"""What does the plan of a service say that no other has: its fleet, what is served beside, other ways to serve?"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from planner.co_served import Other, apart_sentence, device_share, served_beside
from planner.compare_split import split_comparison
from planner.cost import losses_per_hour
from planner.explain import Found
from planner.fleet_plan import Choice, fleet_plan, units_of
from planner.fleet_record import FleetPlan
from planner.plan import Build, Candidate, Comparison, Deal, ServedBeside
from planner.recipe import Recipe
from planner.search import Part
from planner.search_serving import ServingJob
from planner.serving import replica_of
from planner.step_table import prompt_share
from planner.usage import weights_bytes
from planner.workload import Workload
from pricing.market import Market
from pricing.records import replace


class ServicePlan(Struct, frozen=True, kw_only=True):
    """The service's part of a plan; of a run that ends all of it is empty.

    `apart` compares it with replicas for prompts alone, `notes` say what several models would take without each other.
    """

    fleet: FleetPlan | None = None
    beside: tuple[ServedBeside, ...] = ()
    apart: Comparison | None = None
    notes: tuple[str, ...] = ()

    def as_built(self, build: Build) -> FleetPlan | None:
        """The fleet with the nodes between which its stack lets it scale."""
        if self.fleet is None or build.fleet is None:
            return self.fleet
        return replace(self.fleet, least_nodes=build.fleet.least_nodes, most_nodes=build.fleet.most_nodes)


def service_plan(
    found: Found,
    job: ServingJob,
    chosen: Candidate,
    recipe: Recipe,
    deals: Sequence[Deal],
    others: Sequence[Other],
    parts: Sequence[Part],
    market: Market,
) -> ServicePlan:
    """The service's part of the plan for a chosen candidate, beside `others`; `parts` are the fleets whose prompts have
    replicas of their own."""
    workload, shape, calibration = found.workload, found.scope.shape, found.scope.calibration
    assert workload.inference is not None
    devices = market.instance_types[chosen.instance_type].devices
    return ServicePlan(
        fleet=fleet_plan(workload.inference.fleet, job, _choice(found, job, chosen, recipe, deals, market)),
        beside=tuple(served_beside(chosen, devices, others, market, calibration)) if others else (),
        apart=split_comparison(found, parts, chosen, market) if compares_split(workload, job) else None,
        notes=tuple(apart_sentence(workload, shape, job, chosen, others, market, calibration)),
    )


def compares_split(workload: Workload, job: ServingJob) -> bool:
    """Whether replicas for prompts beside others for answers are looked at."""
    return workload.inference is not None and workload.inference.disaggregate != "never" and job.plain


def _choice(
    found: Found, job: ServingJob, chosen: Candidate, recipe: Recipe, deals: Sequence[Deal], market: Market
) -> Choice:
    """What the fleet of a served model is planned of."""
    shape, provision = found.scope.shape, found.workload.provision
    machine, file_system = market.instance_types[chosen.instance_type], provision.storage.file_system
    serving = provision.serving
    factors = found.scope.calibration.serving_factors(chosen.framework, chosen.accelerator)
    replica = replica_of(shape, recipe, chosen.layout, machine, factors, job.load)
    assert chosen.service is not None
    return Choice(
        chosen=chosen,
        units=units_of(found.pool, found.contenders),
        machines=market.instance_types,
        deals=deals,
        weights_bytes=weights_bytes(shape, recipe),
        file_system=(file_system.capacity, file_system.throughput) if file_system else None,
        prompt_share=_prompt_share(chosen) or prompt_share(replica, job.load, chosen.service.concurrency),
        least_nodes=serving.least_nodes or 1 if serving else 1,
        losses_per_hour=losses_per_hour(chosen.instance_type, chosen.region, market),
        max_nodes=found.scope.max_nodes,
        device_share=device_share(job, chosen),
    )


def _prompt_share(chosen: Candidate) -> float:
    """The share of the devices that work on prompts alone; 0 where all do both."""
    if chosen.split is None or chosen.service is None:
        return 0.0
    apart = chosen.split.replicas * chosen.split.layout.devices
    return apart / (apart + chosen.service.replicas * chosen.layout.devices)
