"""A file system of the second generation runs a Lustre that it can."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.lustre import file_systems
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        version = system.at("FileSystemTypeVersion")
        if system.at("LustreConfiguration", "DeploymentType").text == "PERSISTENT_2" and version.text == "2.10":
            yield broken(version, "PERSISTENT_2 with Lustre 2.10")


RULE = Rule(
    id="fsx-version",
    severity=Severity.ERROR,
    why="FSx refuses Lustre 2.10 on PERSISTENT_2, and new clients have dropped it",
    change="Set FileSystemTypeVersion to 2.15.",
    source="https://docs.aws.amazon.com/fsx/latest/LustreGuide/lustre-client-matrix.html",
    check=_check,
)
