"""HyperPod replaces nodes that fail."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        recovery = cluster.at("NodeRecovery")
        if recovery.text == "None":
            yield broken(recovery, "failing nodes are not replaced")


RULE = Rule(
    id="hyperpod-node-recovery",
    severity=Severity.WARNING,
    why="node recovery is what HyperPod is paid for",
    change="Set NodeRecovery to Automatic.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-resiliency.html",
    check=_check,
)
