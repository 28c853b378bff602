"""A network file system is encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for system in template.of("AWS::EFS::FileSystem"):
        encrypted = system.at("Encrypted")
        if encrypted.open:
            yield cannot_know(encrypted, "whether the file system is encrypted")
        elif not encrypted.flag:
            yield broken(system, "the EFS file system is not encrypted")


RULE = Rule(
    id="file-system-encrypted",
    severity=Severity.ERROR,
    why="EFS encrypts only when asked at creation (FSx for Lustre always does), and a change replaces the file system",
    change="Set Encrypted to true.",
    source="https://docs.aws.amazon.com/efs/latest/ug/encryption-at-rest.html",
    check=_check,
)
