"""Containers are named by what they hold, not by a tag that may be moved."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.verify.launches import template_bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Template

# Registries by their hosts; anything else in a script may be a path.
_IMAGE = re.compile(
    r"\b(?:public\.ecr\.aws|nvcr\.io|docker\.io|ghcr\.io|quay\.io|[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com)"
    r"(?:/[a-z0-9._-]+)+(?::[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


def _check(template: Template) -> Iterator[Found]:
    for body in template_bodies(template):
        script = body.data.at("UserData")
        for image in dict.fromkeys(each.group() for each in _IMAGE.finditer(script.known_text) if not each.group(1)):
            yield broken(script, f"the image {image} is named by a tag")
    for place in _containers(template):
        if place.text and "@sha256:" not in place.text:
            yield broken(place, f"the image {place.text} is named by a tag")


def _containers(template: Template) -> Iterator[Node]:
    """Where ECS and Batch name an image."""
    for task in template.of("AWS::ECS::TaskDefinition"):
        yield from (each.at("Image") for each in task.at("ContainerDefinitions").items)
    for job in template.of("AWS::Batch::JobDefinition"):
        yield job.at("ContainerProperties", "Image")


RULE = Rule(
    id="container-image-digest",
    severity=Severity.WARNING,
    why="whoever publishes the image may move its tag, so that a node that starts later runs another one",
    change="Name it by its digest, repository@sha256:... (`docker buildx imagetools inspect` tells it).",
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
    check=_check,
)
