"""A file system of the second generation is linked to S3 by an association."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.lustre import file_systems
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_KEYS = ("AutoImportPolicy", "ImportPath", "ExportPath", "ImportedFileChunkSize")


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        config = system.at("LustreConfiguration")
        for key in _KEYS if config.at("DeploymentType").text == "PERSISTENT_2" else ():
            if not config.at(key).missing:
                yield broken(config.at(key), f"{key} on PERSISTENT_2")


RULE = Rule(
    id="fsx-auto-import",
    severity=Severity.ERROR,
    why="FSx refuses import and export paths on PERSISTENT_2",
    change="Use AWS::FSx::DataRepositoryAssociation.",
    source="https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystemLustreConfiguration.html",
    check=_check,
)
