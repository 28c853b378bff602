"""Nodes that talk over EFA stand in one zone."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, efa_groups, subnets_of
from stacks.verify.launches import launches
from stacks.verify.places import zones_apart
from stacks.verify.rule import Found, Rule, Severity, broken, not_told
from stacks.verify.template import Node, Resource, Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.efa:
            yield from _judge(launch.by, launch.subnets)
    for cluster in template.of(CLUSTER):
        for group in efa_groups(cluster):
            yield from _judge(cluster, subnets_of(cluster, group))


def _judge(by: Resource, subnets: tuple[Node, ...]) -> Iterator[Found]:
    apart = zones_apart(subnets)
    if apart:
        yield broken(subnets[-1], f"the nodes of {by.name} may stand in several zones")
    elif apart is None:
        yield not_told(subnets[-1], f"whether the subnets of {by.name} are in one zone is known only at deployment")


RULE = Rule(
    id="efa-in-one-zone",
    severity=Severity.ERROR,
    why="EFA crosses neither zones nor VPCs",
    change="Name subnets of one zone.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html",
    check=_check,
)
