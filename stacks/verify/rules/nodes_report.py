"""The stack learns whether its nodes came up."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import FLEET, INSTANCE, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    waiting = any(True for _ in template.of("AWS::CloudFormation::WaitCondition"))
    for launch in launches(template):
        told = waiting or not launch.by.body.at("CreationPolicy").missing
        if launch.accelerated and launch.by.type in (FLEET, INSTANCE) and not told:
            yield broken(launch.by, "nothing waits for the nodes to report")


RULE = Rule(
    id="nodes-report",
    severity=Severity.INFO,
    why="EC2 answers a fleet request that it could not fill without an error, and a node may boot with an accelerator "
    "missing: the stack is complete, and the cluster is not",
    change="Let every node check itself and signal a WaitCondition or a CreationPolicy.",
    source="https://github.com/aws/aws-parallelcluster-node/pull/533",
    check=_check,
)
