"""HyperPod's nodes stand in a private subnet."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups, subnets_of
from stacks.verify.places import subnets_named
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            for subnet in subnets_named(subnets_of(cluster, group)):
                if subnet.at("MapPublicIpOnLaunch").flag:
                    yield broken(subnet.at("MapPublicIpOnLaunch"), f"{cluster.name} stands in a public subnet")


RULE = Rule(
    id="hyperpod-private-subnet",
    severity=Severity.ERROR,
    why="HyperPod's interfaces get no public address, so that a public subnet leads them nowhere",
    change="Use a private subnet with a NAT gateway or endpoints.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html",
    check=_check,
)
