"""A target and a preference do not contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        preference = body.data.at("CapacityReservationSpecification", "CapacityReservationPreference")
        if preference.text in ("open", "none") and not body.reservation.missing:
            yield broken(preference, f"preference {preference.text} stands beside a target")


RULE = Rule(
    id="reservation-preference",
    severity=Severity.ERROR,
    why="EC2 takes both only where the preference is capacity-reservations-only",
    change="Take the preference away, or write capacity-reservations-only.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservationSpecification.html",
    check=_check,
)
