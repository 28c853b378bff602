"""A HyperPod cluster has one orchestrator."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        orchestrator = cluster.at("Orchestrator")
        eks = not orchestrator.at("Eks").missing
        if eks and not orchestrator.at("Slurm").missing:
            yield broken(orchestrator, "the orchestrator is both Eks and Slurm")
        for group in groups(cluster) if eks else ():
            if not group.at("SlurmConfig").missing:
                yield broken(group.at("SlurmConfig"), "SlurmConfig in a cluster that EKS orchestrates")


RULE = Rule(
    id="hyperpod-orchestrator",
    severity=Severity.ERROR,
    why="a cluster is orchestrated by EKS or by Slurm, and the choice is for good",
    change="Leave one of them.",
    source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCluster.html",
    check=_check,
)
