"""A node takes one address unless somebody wants more."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import PCS, bodies, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    # AWS PCS takes EFA devices with an address only.
    excused = {launch.body.resource.name for launch in launches(template) if launch.by.type == PCS}
    for body in bodies(template):
        if body.resource.name in excused:
            continue
        addressed = [nic for nic in body.nics if nic.addressed and nic.kind is not None]
        if len(addressed) > 1:
            first = [nic for nic in addressed[1:] if nic.device == 0]
            routes = "; several have DeviceIndex 0, so that routes of the same rank compete" if first else ""
            place = body.data.at("NetworkInterfaces")
            yield broken(place, f"{len(addressed)} interfaces take an address on every node{routes}")


RULE = Rule(
    id="ip-bearing-interfaces",
    severity=Severity.WARNING,
    why="each interface that is not efa-only takes an address of the subnet and a route, whose rank follows its "
    "DeviceIndex",
    change="Make all but the primary interface `efa-only`, or keep them where IP bandwidth is wanted on several cards, "
    "with DeviceIndex 1.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html",
    check=_check,
)
