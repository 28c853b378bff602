"""A HyperPod cluster is not named by hand."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        if cluster.at("ClusterName").text is not None:
            yield broken(cluster.at("ClusterName"), "the cluster's name is fixed")


RULE = Rule(
    id="hyperpod-fixed-name",
    severity=Severity.WARNING,
    why="network, orchestrator and group types are create-only: a change makes a new cluster, whose fixed name "
    "collides with the old one's",
    change="Leave ClusterName out, or make what is create-only part of it; add a new group to change a type.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sagemaker-cluster.html",
    check=_check,
)
