"""What a launch template launches is tagged."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import TEMPLATE, bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_KINDS = ("instance", "volume")


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        specifications = body.data.at("TagSpecifications")
        if body.resource.type != TEMPLATE or specifications.open:
            continue
        tagged = {each.at("ResourceType").text for each in specifications.items if each.at("Tags").items}
        for kind in _KINDS:
            if kind not in tagged:
                yield broken(body.data, f"each {kind} that it launches is untagged")


RULE = Rule(
    id="launched-tagged",
    severity=Severity.WARNING,
    why="tags of the stack do not reach what a fleet launches; its nodes and volumes are the dearest lines of the bill",
    change="Add TagSpecifications for instance and volume.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-properties-ec2-launchtemplate-tagspecification.html",
    check=_check,
)
