"""Volumes are of the current generation."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template
from stacks.verify.volumes import volumes

_OLD = ("gp2", "standard")


def _check(template: Template) -> Iterator[Found]:
    for volume in volumes(template):
        kind = volume.at("VolumeType")
        if kind.missing:
            yield broken(volume, "no VolumeType is given, which makes an old gp2 or what the image has")
        elif kind.text in _OLD:
            yield broken(kind, f"{kind.text} is of an old generation")


RULE = Rule(
    id="volume-type",
    severity=Severity.WARNING,
    why="gp3 is a fifth cheaper than gp2, and its speed does not hang on its size",
    change="Set VolumeType to gp3, or io2 where latency matters.",
    source="https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html",
    check=_check,
)
