"""A Lustre file system with EFA is one that can have it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.lustre import file_systems, has_efa
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        config = system.at("LustreConfiguration")
        if not has_efa(system):
            continue
        kind, version = config.at("DeploymentType"), system.at("FileSystemTypeVersion")
        if not kind.open and kind.text != "PERSISTENT_2":
            yield broken(config, f"EFA is asked for on {kind.text or 'a scratch file system'}")
        elif config.at("MetadataConfiguration").missing:
            yield broken(config, "EFA is asked for without MetadataConfiguration")
        elif not version.missing and version.text in ("2.10", "2.12"):
            yield broken(version, f"EFA is asked for on Lustre {version.text}")


RULE = Rule(
    id="fsx-efa",
    severity=Severity.ERROR,
    why="FSx has EFA on PERSISTENT_2 with a metadata configuration and Lustre 2.15, and only from creation on",
    change="Use PERSISTENT_2, FileSystemTypeVersion 2.15 and MetadataConfiguration Mode AUTOMATIC, or leave EFA out.",
    source="https://docs.aws.amazon.com/fsx/latest/LustreGuide/efa-file-systems.html",
    check=_check,
)
