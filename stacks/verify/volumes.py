"""Which EBS volumes does a template make?"""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.template import Node, Template


def volumes(template: Template) -> Iterator[Node]:
    """What is said of each volume: of nodes, of launch configurations, and of those that stand alone."""
    for body in bodies(template):
        for each in body.data.at("BlockDeviceMappings").items:
            if not each.at("Ebs").missing:
                yield each.at("Ebs")
    for resource in template.of("AWS::AutoScaling::LaunchConfiguration"):
        for each in resource.at("BlockDeviceMappings").items:
            if not each.at("Ebs").missing:
                yield each.at("Ebs")
    for resource in template.of("AWS::EC2::Volume"):
        yield resource.at()
