"""PCS knows its nodes' instance profile by its name."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import PCS
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for nodes in template.of(PCS):
        named = nodes.at("IamInstanceProfileArn")
        profile = named.resource
        if profile is None:
            continue
        name, path = profile.at("InstanceProfileName"), profile.at("Path")
        if name.open or path.open:
            yield cannot_know(name if name.open else path, "the instance profile's name")
        elif not (name.text or "").startswith("AWSPCS") and "/aws-pcs/" not in (path.text or ""):
            yield broken(profile, f"the instance profile of {nodes.name} is not named for PCS")


RULE = Rule(
    id="pcs-profile-name",
    severity=Severity.ERROR,
    why="AWS PCS passes only instance profiles whose name begins with AWSPCS or whose path holds /aws-pcs/",
    change="Set InstanceProfileName to AWSPCS-..., or Path to /aws-pcs/.",
    source="https://docs.aws.amazon.com/pcs/latest/userguide/security-instance-profiles.html",
    check=_check,
)
