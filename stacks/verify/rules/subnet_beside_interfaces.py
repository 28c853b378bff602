"""An instance's subnet stands on its interfaces where these are listed."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import INSTANCE, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_KEYS = ("SubnetId", "SecurityGroupIds", "SecurityGroups", "PrivateIpAddress")


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.by.type != INSTANCE or not launch.body.nics or launch.body.resource is launch.by:
            continue
        for key in _KEYS:
            if not launch.by.at(key).missing:
                yield broken(launch.by.at(key), f"{key} stands beside the interfaces of {launch.body.resource.name}")


RULE = Rule(
    id="subnet-beside-interfaces",
    severity=Severity.ERROR,
    why="RunInstances refuses a subnet or groups of the instance beside network interfaces",
    change="Put SubnetId and Groups on each interface of the launch template, and nothing on the instance.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html",
    check=_check,
)
