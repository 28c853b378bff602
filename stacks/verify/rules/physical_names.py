"""What may be replaced has no name of its own."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_NAMES = {
    "AWS::AutoScaling::AutoScalingGroup": "AutoScalingGroupName",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateName",
    "AWS::EC2::PlacementGroup": "GroupName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::IAM::Role": "RoleName",
    "AWS::S3::Bucket": "BucketName",
}


def _check(template: Template) -> Iterator[Found]:
    for kind, key in _NAMES.items():
        for resource in template.of(kind):
            if resource.at(key).text is not None:
                yield broken(resource.at(key), f"{key} is fixed")


RULE = Rule(
    id="physical-names",
    severity=Severity.WARNING,
    why="a replacement is made before the old one is deleted, and a fixed name is taken; a second stack in the account "
    "collides as well",
    change="Leave the name out.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html",
    check=_check,
)
