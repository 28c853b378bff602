"""Which parts of a workload do not go with a batch job, and which go with nothing else?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.fleet_fields import Fleet
from planner.framework import load_frameworks
from planner.plan import Target
from planner.source import Fault
from planner.workload import Workload


def batch_faults(workload: Workload) -> Iterator[Fault]:
    """What is wrong with a batch job, or with what only a batch job can have, each with its field."""
    asked = workload.inference
    if asked is None:
        return
    if asked.requests is None:
        if workload.limits.deadline is not None:
            yield (
                ("limits", "deadline"),
                "a service has no end; remove it, or give inference.requests",
            )
        yield from _streamed(workload)
        return
    for name in ("ttft", "tpot"):
        if getattr(asked, name) is not None:
            yield (
                ("inference", name),
                "nobody waits for single answers of a batch; limits.deadline bounds it all",
            )
    if asked.fleet != Fleet():
        yield ("inference", "fleet"), "a batch job has no hours and spares nothing; leave it out"
    if asked.co_served:
        yield ("inference", "co_served"), "further models go on serving, and a batch job ends; plan them apart"
    if workload.index:
        yield ("index",), "an index stands beside a service, and a batch job ends; plan it on its own"
    if workload.provision.target is Target.SERVING_FLEET:
        yield ("provision", "target"), "a fleet goes on serving, and a batch job ends; leave the target out"


def _streamed(workload: Workload) -> Iterator[Fault]:
    """Engines and techniques that work through a batch and let nobody in between."""
    asked = workload.inference
    assert asked is not None
    streaming = [item for item in load_frameworks().values() if item.streaming]
    says = "works through a block of requests and lets none in between: for batch jobs alone; give inference.requests"
    for engine in streaming:
        if asked.engine == engine.name:
            yield ("inference", "engine"), f"{engine.title} {says}"
