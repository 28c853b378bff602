"""A reservation made by the template holds what is launched into it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import Launch, launches
from stacks.verify.places import subnets_named, zone_of
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Resource, Template

_RESERVATION = "AWS::EC2::CapacityReservation"


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        held = launch.body.reservation.resource
        if held and held.type == _RESERVATION:
            yield from _differing(launch, held)


def _differing(launch: Launch, held: Resource) -> Iterator[Found]:
    kind, count, nodes = held.at("InstanceType"), held.at("InstanceCount"), launch.nodes
    for node in launch.types:
        if node.text and kind.text and node.text != kind.text:
            yield broken(kind, f"it holds {kind.text}, and {launch.by.name} launches {node.text}")
    if nodes is not None and count.number is not None and count.number < nodes:
        yield broken(count, f"it holds {count.number:,}, and {launch.by.name} launches {nodes:,}")
    zone = zone_of(held)
    for subnet in subnets_named(launch.subnets):
        other = zone_of(subnet)
        texts = {each.node.text for each in (zone, other) if each and each.node.text}
        if zone and other and zone.by_id is other.by_id and len(texts) > 1:
            yield broken(zone.node, f"it is in {zone.node.text}, and {subnet.name} in {other.node.text}")


RULE = Rule(
    id="reservation-matches",
    severity=Severity.ERROR,
    why="a launch that targets a reservation of another type or zone, or asks for more than it holds, finds no "
    "capacity, while the reservation is billed",
    change="Make type, zone and count of the reservation those of the nodes.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-launch.html",
    check=_check,
)
