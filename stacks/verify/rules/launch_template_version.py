"""Nodes are launched from a version that is named."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import BATCH, EKS_NODES, FLEET, GROUP, INSTANCE
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Template


def _check(template: Template) -> Iterator[Found]:
    for resource in template.of(INSTANCE, GROUP, EKS_NODES, FLEET, BATCH):
        named = [resource.at("LaunchTemplate"), resource.at("ComputeResources", "LaunchTemplate")]
        named.append(resource.at("MixedInstancesPolicy", "LaunchTemplate", "LaunchTemplateSpecification"))
        named += [each.at("LaunchTemplateSpecification") for each in resource.at("LaunchTemplateConfigs").items]
        for node in named:
            yield from _floating(node.at("Version"))


def _floating(version: Node) -> Iterator[Found]:
    if version.text in ("$Latest", "$Default"):
        yield broken(version, f"the launch template's version is {version.text}")


RULE = Rule(
    id="launch-template-version",
    severity=Severity.WARNING,
    why="a floating version changes under running nodes unseen by CloudFormation: a fleet ends up mixed, and Capacity "
    "Blocks ask for a number",
    change="Use Fn::GetAtt of the launch template's LatestVersionNumber.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-properties-ec2-instance-launchtemplatespecification.html",
    check=_check,
)
