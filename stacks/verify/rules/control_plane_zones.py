"""Control planes and load balancers have the two zones that they need."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.places import subnets_named, zones_apart
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Resource, Template

_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_EKS = "AWS::EKS::Cluster"


def _check(template: Template) -> Iterator[Found]:
    for resource in template.of(_EKS, _BALANCER):
        if resource.type == _BALANCER and resource.at("Type").text not in (None, "application"):
            continue
        named = _subnets(resource)
        if named.open or named.missing:
            continue
        same = len(named.items) < 2 or (
            zones_apart(named.items) is False and len(subnets_named(named.items)) == len(named.items)
        )
        if same:
            yield broken(named, f"{resource.name} has subnets in one zone only")


def _subnets(resource: Resource) -> Node:
    return resource.at("Subnets") if resource.type == _BALANCER else resource.at("ResourcesVpcConfig", "SubnetIds")


RULE = Rule(
    id="control-plane-zones",
    severity=Severity.ERROR,
    why="an EKS control plane and an application load balancer are refused with subnets in fewer than two zones",
    change="Name a second subnet in another zone; it may be small, and the nodes stay in theirs.",
    source="https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html",
    check=_check,
)
