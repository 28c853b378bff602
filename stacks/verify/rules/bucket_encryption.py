"""A bucket says how it is encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for bucket in template.of("AWS::S3::Bucket"):
        if bucket.at("BucketEncryption").missing:
            yield broken(bucket, "BucketEncryption is not set")


RULE = Rule(
    id="bucket-encryption",
    severity=Severity.WARNING,
    why="S3 encrypts with its own key by itself since 2023, but auditors and policies ask for it to be stated",
    change="Set BucketEncryption, with aws:kms where the key must be yours.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
    check=_check,
)
