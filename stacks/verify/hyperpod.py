"""What does a HyperPod cluster say of its instance groups?"""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.facts import hardware
from stacks.verify.template import Node, Resource

CLUSTER = "AWS::SageMaker::Cluster"


def groups(cluster: Resource) -> tuple[Node, ...]:
    """Its instance groups."""
    return cluster.at("InstanceGroups").items


def efa_groups(cluster: Resource) -> Iterator[Node]:
    """The groups whose type has EFA, which the service sets up by itself."""
    for group in groups(cluster):
        facts = hardware(group.at("InstanceType").text)
        if facts and facts.efa_cards:
            yield group


def network_of(cluster: Resource, group: Node) -> Node:
    """The VPC configuration of a group: its own, else the cluster's."""
    own = group.at("OverrideVpcConfig")
    return cluster.at("VpcConfig") if own.missing else own


def subnets_of(cluster: Resource, group: Node) -> tuple[Node, ...]:
    """The subnets that a group's nodes may stand in."""
    named = network_of(cluster, group).at("Subnets")
    return (named,) if named.open else named.items


def efa_group_nodes(cluster: Resource) -> Iterator[tuple[Node, ...]]:
    """The security groups of every instance group that has EFA, those of one together."""
    for group in efa_groups(cluster):
        named = network_of(cluster, group).at("SecurityGroupIds")
        yield (named,) if named.open else named.items
