"""A reservation id has the form of one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken, not_told
from stacks.verify.template import Template

_ID = re.compile(r"cr-[0-9a-f]{8}([0-9a-f]{9})?")


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        target = body.data.at("CapacityReservationSpecification", "CapacityReservationTarget")
        named = target.at("CapacityReservationId")
        if named.text == "":
            # A parameter that is empty until somebody fills it in.
            yield not_told(named, "the reservation id is empty by default")
        elif named.text is not None and not _ID.fullmatch(named.text):
            yield broken(named, f"{named.text!r} is no reservation id")


RULE = Rule(
    id="reservation-id-form",
    severity=Severity.ERROR,
    why="EC2 knows reservations by cr- and 17 hexadecimal digits, and fails minutes into the deployment otherwise",
    change="Copy the id from the reservation or the Capacity Block.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservationTarget.html",
    check=_check,
)
