"""The Kubernetes API is not open to the world."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of("AWS::EKS::Cluster"):
        config = cluster.at("ResourcesVpcConfig")
        public, blocks = config.at("EndpointPublicAccess"), config.at("PublicAccessCidrs")
        world = blocks.missing or any(node.text == "0.0.0.0/0" for node in blocks.items)
        if (public.missing or public.flag) and world:
            yield broken(config, "the API's endpoint is open to every address")


RULE = Rule(
    id="eks-endpoint-public",
    severity=Severity.WARNING,
    why="EKS opens its API to every address unless told otherwise",
    change="Set EndpointPublicAccess to false and EndpointPrivateAccess to true, or name PublicAccessCidrs.",
    source="https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html",
    check=_check,
)
