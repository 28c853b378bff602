"""HyperPod's nodes can take the role that they are given."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.policies import one_or_more, statements
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Resource, Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            role = group.at("ExecutionRole").resource
            if role and role.type == "AWS::IAM::Role" and not _trusts(role):
                yield broken(role.at("AssumeRolePolicyDocument"), f"{role.name} does not trust sagemaker.amazonaws.com")


def _trusts(role: Resource) -> bool:
    for statement in statements(role.at("AssumeRolePolicyDocument")):
        services = one_or_more(statement.node.at("Principal", "Service"))
        if statement.allows and any(node.open or node.text == "sagemaker.amazonaws.com" for node in services):
            return True
    return False


RULE = Rule(
    id="hyperpod-role-trust",
    severity=Severity.ERROR,
    why="SageMaker takes the group's execution role, and the cluster fails where it may not",
    change="Let Principal.Service sagemaker.amazonaws.com assume the role.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites-iam.html",
    check=_check,
)
