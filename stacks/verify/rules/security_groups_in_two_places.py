"""Groups stand on the interfaces or on the template, never on both."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        for key in ("SecurityGroupIds", "SecurityGroups"):
            named = body.data.at(key)
            if not body.data.at("NetworkInterfaces").missing and not named.missing:
                yield broken(named, f"{key} stands beside NetworkInterfaces")


RULE = Rule(
    id="security-groups-in-two-places",
    severity=Severity.ERROR,
    why="EC2 refuses groups of the instance beside groups of its interfaces; CDK's own launch template writes both "
    "when interfaces are added to it",
    change="Move the groups to Groups of each interface; in CDK use CfnLaunchTemplate.",
    source="https://github.com/aws/aws-cdk/issues/30891",
    check=_check,
)
