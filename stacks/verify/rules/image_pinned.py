"""Nodes boot an image that is named, not looked up at every deployment."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.images import looked_up_anew, parameter_of
from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        image = body.data.at("ImageId")
        if looked_up_anew(image):
            yield broken(image, f"the image is whatever {parameter_of(image)} names at each deployment")


RULE = Rule(
    id="image-pinned",
    severity=Severity.WARNING,
    why="a new release of the image replaces the nodes at the next deployment of anything, or mixes images in a fleet",
    change="Resolve the parameter once and write the id (`berth lock` does; in CDK `cached_in_context=True`).",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html",
    check=_check,
)
