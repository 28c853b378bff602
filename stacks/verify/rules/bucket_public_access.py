"""No bucket is opened to the public."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def _check(template: Template) -> Iterator[Found]:
    for bucket in template.of("AWS::S3::Bucket"):
        stated = bucket.at("PublicAccessBlockConfiguration")
        for key in _BLOCKS if isinstance(stated.value, dict) else ():
            if not stated.at(key).open and not stated.at(key).flag:
                yield broken(stated, f"{key} is off")
        if (bucket.at("AccessControl").text or "").startswith("PublicRead"):
            yield broken(bucket.at("AccessControl"), "the bucket is public by its access control list")


RULE = Rule(
    id="bucket-public-access",
    severity=Severity.ERROR,
    why="checkpoints and data sets in a public bucket are everybody's",
    change="Set all four of PublicAccessBlockConfiguration to true, or leave it out: new buckets are closed.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    check=_check,
)
