"""A VPC keeps a record of its traffic."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    logged = {each.at("ResourceId").target for each in template.of("AWS::EC2::FlowLog")}
    for vpc in template.of("AWS::EC2::VPC"):
        if vpc.name not in logged:
            yield broken(vpc, "no flow log is kept")


RULE = Rule(
    id="flow-logs",
    severity=Severity.WARNING,
    why="without flow logs nobody can say where data went, nor what a security group dropped",
    change="Add an AWS::EC2::FlowLog on the VPC.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
    check=_check,
)
