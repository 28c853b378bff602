"""A node's volumes end with it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        for each in body.data.at("BlockDeviceMappings").items:
            kept = each.at("Ebs", "DeleteOnTermination")
            if kept.flag is False:
                yield broken(kept, "the volume outlives its node")


RULE = Rule(
    id="volume-ends-with-node",
    severity=Severity.WARNING,
    why="volumes that nobody knows of stay behind, billed, after every replacement and after the stack",
    change="Set DeleteOnTermination to true, and keep results in S3 or on a file system.",
    source="https://github.com/aws/aws-parallelcluster/issues/1750",
    check=_check,
)
