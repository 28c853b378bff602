"""Which software and which instance types does a workload leave in, by what it asks for?"""

from __future__ import annotations

from fnmatch import fnmatchcase

from planner.framework import Framework, load_frameworks
from planner.recipe import Job
from planner.workload import InstanceTypes, Workload


def permitted(name: str, limits: InstanceTypes) -> bool:
    """Whether the limits leave an instance type in."""
    allowed = not limits.allow or any(fnmatchcase(name, pattern) for pattern in limits.allow)
    return allowed and not any(fnmatchcase(name, pattern) for pattern in limits.deny)


def frameworks_of(workload: Workload) -> tuple[Framework, ...]:
    """The framework that the user names, or the default ones of the job and method."""
    every = load_frameworks().values()
    if workload.inference:
        named, batch = workload.inference.engine, workload.inference.requests is not None
        return tuple(
            item
            for item in every
            if item.job is Job.INFERENCE
            and (item.name == named if named else not item.by_name_only or (batch and item.streaming is not None))
            and item.features >= workload.inference.features
        )
    named = workload.training.framework if workload.training else None
    method = workload.training.method if workload.training else ""
    return tuple(
        item
        for item in every
        if item.job is Job.TRAINING
        and (item.name == named if named else method in item.default_methods)
        and method in item.methods
    )
