"""What should a reader know of a layout that serves, before starting engines by it?"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, sqrt

from planner.framework import load_frameworks
from planner.plan import Candidate, Service, Target
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.instance_type import InstanceType

# Standard deviations above the mean that a hundredth of a normal distribution is beyond.
RARELY = 2.326


def serving_notes(workload: Workload, shape: ModelShape, chosen: Candidate, machine: InstanceType) -> Iterator[str]:
    """Sentences on replicas that share experts, and on prompts with replicas of their own."""
    if workload.inference is None:
        return
    layout, engine = chosen.layout, load_frameworks()[chosen.framework]
    fleet = workload.provision.target is Target.SERVING_FLEET
    if chosen.split:
        yield (
            "No stack starts or connects replicas for prompts and others for answers yet: a synth refuses this plan. "
            "inference.disaggregate: compare plans without."
        )
    if not fleet and (layout.data > 1 or layout.expert > 1):
        yield f"The stack starts no engine; {engine.title} is told this layout by: {engine.told(layout)}."
    if workload.inference.requests_per_second and chosen.service:
        yield from _little_room(chosen.service)
    several = machine.devices // layout.devices
    if fleet and shape.experts and several > 1:
        yield (
            f"Of a mixture of experts vLLM joins the {several} replicas of a node as data ranks: they share experts "
            "and wait for each other in each step, which the plan does not count. pin.layout.data plans them so."
        )


def _little_room(service: Service) -> Iterator[str]:
    """Whether bursts of arrivals at random find no place in the caches of all replicas."""
    if service.load_concurrency is None:
        return
    planned = service.replicas * service.load_concurrency
    # Requests at random are in flight as Poisson's distribution says.
    burst = (planned + RARELY * sqrt(planned)) / service.replicas
    if burst > service.largest_batch:
        yield (
            f"A replica holds {service.largest_batch:,} requests of mean length at once, and at the planned load one "
            f"moment in a hundred has {ceil(burst):,} or more: those beyond wait for a place, so that TTFT is longer "
            "than the formulas say, above all its p99. `berth simulate` shows how much; more memory or "
            "inference.fleet.headroom shortens it."
        )
