"""A bucket is reached by HTTPS alone."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.policies import statements
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    closed = {
        policy.at("Bucket").target
        for policy in template.of("AWS::S3::BucketPolicy")
        for statement in statements(policy.at("PolicyDocument"))
        if statement.node.at("Effect").text == "Deny"
        and statement.node.at("Condition", "Bool", "aws:SecureTransport").flag is False
    }
    for bucket in template.of("AWS::S3::Bucket"):
        if bucket.name not in closed:
            yield broken(bucket, "no policy denies plain HTTP")


RULE = Rule(
    id="bucket-tls",
    severity=Severity.WARNING,
    why="over plain HTTP whoever is on the way reads what is written and who asks",
    change="Add a bucket policy that denies everything where aws:SecureTransport is false (in CDK enforce_ssl=True).",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    check=_check,
)
