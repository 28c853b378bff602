"""What holds data says what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_HOLDING = ("AWS::FSx::FileSystem", "AWS::EFS::FileSystem", "AWS::S3::Bucket", "AWS::EC2::Volume")


def _check(template: Template) -> Iterator[Found]:
    for resource in template.of(*_HOLDING):
        for key, when in (("DeletionPolicy", "deleted"), ("UpdateReplacePolicy", "replaced")):
            if resource.body.at(key).missing:
                yield broken(resource, f"no {key} says what becomes of the data when the resource is {when}")


RULE = Rule(
    id="deletion-policy-stated",
    severity=Severity.WARNING,
    why="without a policy CloudFormation deletes the data with the stack, or with the update that replaces it; tools "
    "such as CDK default to keeping it, and the bill",
    change="Set DeletionPolicy and UpdateReplacePolicy to Delete or Retain.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
    check=_check,
)
