"""No two interfaces share a card and a device index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        places = Counter((nic.card, nic.device) for nic in body.nics)
        seen: set[tuple[int | None, int | None]] = set()
        for nic in body.nics:
            place = (nic.card, nic.device)
            if None not in place and places[place] > 1 and place in seen:
                yield broken(nic.node, f"{nic.place} is taken by an interface before it")
            seen.add(place)


RULE = Rule(
    id="nic-place-unique",
    severity=Severity.ERROR,
    why="EC2 refuses two interfaces in one place",
    change="Give each interface its own NetworkCardIndex and DeviceIndex.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html",
    check=_check,
)
