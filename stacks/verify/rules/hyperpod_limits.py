"""A HyperPod cluster stays within the service's limits."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Template

_MOST_GROUPS, _MOST_NODES, _MOST_STORES, _MOST_SECURITY_GROUPS, _MOST_SUBNETS = 100, 6758, 4, 5, 16


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        yield from _list(cluster.at("InstanceGroups"), _MOST_GROUPS)
        yield from _list(cluster.at("VpcConfig", "SecurityGroupIds"), _MOST_SECURITY_GROUPS)
        yield from _list(cluster.at("VpcConfig", "Subnets"), _MOST_SUBNETS)
        for group in groups(cluster):
            count = group.at("InstanceCount")
            if (count.number or 0) > _MOST_NODES:
                yield broken(count, f"{count.number:,} nodes in a group; the most is {_MOST_NODES:,}")
            yield from _list(group.at("InstanceStorageConfigs"), _MOST_STORES)


def _list(node: Node, most: int) -> Iterator[Found]:
    if len(node.items) > most:
        yield broken(node, f"{len(node.items)} {node.path[-1]}; the most is {most}")


RULE = Rule(
    id="hyperpod-limits",
    severity=Severity.ERROR,
    why="CreateCluster refuses more",
    change="Split the cluster, or the group.",
    source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCluster.html",
    check=_check,
)
