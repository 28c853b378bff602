"""A HyperPod cluster stands in a VPC of ours."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups, network_of
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            if network_of(cluster, group).missing:
                yield broken(group, "the instance group has no VpcConfig, and neither has the cluster")


RULE = Rule(
    id="hyperpod-network",
    severity=Severity.ERROR,
    why="without a VPC of ours the nodes have no group that lets EFA pass, and reach no file system",
    change="Set VpcConfig, with a private subnet in the capacity's zone and a group that names itself both ways.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html",
    check=_check,
)
