"""A Slurm cluster has one controller, and somebody to work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        kinds = [group.at("SlurmConfig", "NodeType") for group in groups(cluster)]
        if cluster.at("Orchestrator", "Slurm").missing and all(kind.missing for kind in kinds):
            continue
        place = cluster.at("InstanceGroups")
        if any(kind.open for kind in kinds) or place.open:
            continue
        count = Counter(kind.text for kind in kinds)
        if count["Controller"] != 1:
            yield broken(place, f"{count['Controller']} instance groups of Slurm node type Controller, not 1")
        if not count["Compute"]:
            yield broken(place, "no instance group is of Slurm node type Compute")


RULE = Rule(
    id="hyperpod-slurm-roles",
    severity=Severity.ERROR,
    why="HyperPod makes a Slurm cluster of exactly one controller group and at least one compute group",
    change="Set SlurmConfig.NodeType: Controller on one group, Compute on those that work.",
    source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClusterSlurmConfig.html",
    check=_check,
)
