"""Berth knows the types that are launched."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.facts import hardware
from stacks.verify.launches import launches
from stacks.verify.rule import Found, Rule, Severity, cannot_know, not_told
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        place = launch.body.data.at("NetworkInterfaces")
        if not launch.types and launch.body.nics:
            yield not_told(place, "no instance type is named, so that its network cards cannot be known")
        for node in launch.types if launch.body.nics else ():
            if node.open:
                yield cannot_know(node, "the instance type")
            elif launch.efa and hardware(node.text) is None:
                yield not_told(
                    node, f"{node.text} is not in Berth's catalog, so that its network cards cannot be known"
                )


RULE = Rule(
    id="type-known",
    severity=Severity.INFO,
    why="interfaces can be judged only against the network cards of the type",
    change="Name the type, or give its parameter a default.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html",
    check=_check,
)
