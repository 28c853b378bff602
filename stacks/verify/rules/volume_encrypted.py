"""Every EBS volume is encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import template_bodies
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know, not_told
from stacks.verify.template import Template
from stacks.verify.volumes import volumes


def _check(template: Template) -> Iterator[Found]:
    for volume in volumes(template):
        encrypted = volume.at("Encrypted")
        if encrypted.open:
            yield cannot_know(encrypted, "whether the volume is encrypted")
        elif not encrypted.flag and volume.at("SnapshotId").missing:
            said = "is not said to be encrypted" if encrypted.missing else "is not encrypted"
            yield broken(volume, f"the volume {said}")
    for body in template_bodies(template):
        if body.data.at("BlockDeviceMappings").missing:
            yield not_told(body.data, "whether the root volume is encrypted is up to the image and the account")


RULE = Rule(
    id="volume-encrypted",
    severity=Severity.ERROR,
    why="what lies on the disk (weights, data, keys) is readable to whoever gets a snapshot of it",
    change="Set Encrypted to true.",
    source="https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html",
    check=_check,
)
