"""Batch runs jobs over several nodes on demand."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import BATCH
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    jobs = [job for job in template.of("AWS::Batch::JobDefinition") if job.at("Type").text == "multinode"]
    for place in template.of(BATCH) if jobs else ():
        kind = place.at("ComputeResources", "Type")
        if kind.text == "SPOT":
            yield broken(kind, f"{jobs[0].name} runs over several nodes, and {place.name} is spot")


RULE = Rule(
    id="batch-multi-node-spot",
    severity=Severity.WARNING,
    why="Batch places no multi-node job on spot: it waits in RUNNABLE for ever",
    change="Use an on-demand compute environment for that job's queue.",
    source="https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html",
    check=_check,
)
