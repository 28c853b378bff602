"""Something outside the nodes ends the spending, or tells of it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER
from stacks.verify.launches import TEMPLATE, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Resource, Template

_GUARDS = ("AWS::Scheduler::Schedule", "AWS::Budgets::Budget", "AWS::AutoScaling::ScheduledAction")


def _check(template: Template) -> Iterator[Found]:
    if any(True for _ in template.of(*_GUARDS)):
        return
    spending = [launch.by for launch in launches(template) if launch.accelerated and launch.by.type != TEMPLATE]
    every: dict[str, Resource] = {each.name: each for each in (*spending, *template.of(CLUSTER))}
    for resource in every.values():
        yield broken(resource, "no schedule ends it, and no budget watches it")


RULE = Rule(
    id="spending-bounded",
    severity=Severity.INFO,
    why="forgotten nodes are the most frequent surprise on the bill, and a guard on the node hangs with it",
    change="Add an AWS::Scheduler::Schedule that deletes the stack, or an AWS::Budgets::Budget on its tag.",
    source="https://github.com/skypilot-org/skypilot/issues/67",
    check=_check,
)
