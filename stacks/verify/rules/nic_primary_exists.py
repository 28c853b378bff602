"""A node that lists interfaces lists its first one."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken, not_told
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        nics = body.nics
        if not nics or any((nic.card, nic.device) == (0, 0) for nic in nics):
            continue
        place = body.data.at("NetworkInterfaces")
        if any(nic.card is None or nic.device is None for nic in nics):
            yield not_told(place, "the place of an interface is known only at deployment, or not given")
        else:
            yield broken(place, "no interface stands on card 0, device 0")


RULE = Rule(
    id="nic-primary-exists",
    severity=Severity.ERROR,
    why="every instance has a primary interface on card 0, device 0, and EC2 refuses a list without it",
    change="Add an interface with NetworkCardIndex 0 and DeviceIndex 0.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html",
    check=_check,
)
