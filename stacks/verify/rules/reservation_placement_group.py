"""A targeted reservation is launched in no placement group but its own."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import Launch, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.body.reservation.missing or launch.body.market.text == "capacity-block":
            continue
        for group in launch.placement:
            if not _own(launch, group.target):
                yield broken(group, "the placement group is not known to be the reservation's own")


def _own(launch: Launch, group: str | None) -> bool:
    reservation = launch.body.reservation.resource
    return reservation is not None and group is not None and reservation.at("PlacementGroupArn").target == group


RULE = Rule(
    id="reservation-placement-group",
    severity=Severity.WARNING,
    why="reserved capacity stands where it was reserved: in another placement group the launch finds no capacity, "
    "although the reservation is unused",
    change="Take the placement group away, or reserve in it (PlacementGroupArn of the reservation).",
    source="https://github.com/eksctl-io/eksctl/issues/7949",
    check=_check,
)
