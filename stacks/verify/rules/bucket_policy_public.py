"""No policy of a resource lets everybody in."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.policies import statements
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_POLICIES = {
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
}


def _check(template: Template) -> Iterator[Found]:
    for kind, key in _POLICIES.items():
        for resource in template.of(kind):
            for statement in statements(resource.at(key)):
                if statement.allows and statement.for_everyone and not statement.conditional:
                    yield broken(statement.node, "everybody is allowed in, without a condition")


RULE = Rule(
    id="bucket-policy-public",
    severity=Severity.ERROR,
    why="a principal of * is anybody in any account",
    change="Name the principal, or add a condition such as aws:PrincipalOrgID.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
    check=_check,
)
