"""Image and type are of the same architecture."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.images import parameter_of
from stacks.verify.launches import layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_WORDS = {"arm64": "arm64", "aarch64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}


def _check(template: Template) -> Iterator[Found]:
    for body, _, facts in layouts(template):
        named = parameter_of(body.data.at("ImageId")) or ""
        found = {architecture for word, architecture in _WORDS.items() if word in named}
        if len(found) == 1 and facts.architecture not in found:
            yield broken(
                body.data.at("ImageId"), f"{facts.name} is {facts.architecture}, but the image is {found.pop()}"
            )


RULE = Rule(
    id="image-architecture",
    severity=Severity.ERROR,
    why="EC2 refuses an image of another architecture; GB200, GB300 and g5g are arm64",
    change="Name the image's parameter for the type's architecture.",
    source="https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html",
    check=_check,
)
