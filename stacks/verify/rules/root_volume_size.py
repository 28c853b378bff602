"""The root volume has room for drivers and container images."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# What AWS's own distributed-training samples use; the Deep Learning AMI's default is about 75.
_ROOM_GIB = 300


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        for each in launch.body.data.at("BlockDeviceMappings").items[:1] if launch.accelerated else ():
            size = each.at("Ebs", "VolumeSize")
            if size.number is not None and size.number < _ROOM_GIB:
                yield broken(size, f"the root volume is {size.number} GiB")


RULE = Rule(
    id="root-volume-size",
    severity=Severity.INFO,
    why=f"training images take tens of GiB each; AWS's samples give the root {_ROOM_GIB} GiB",
    change=f"Give it {_ROOM_GIB} GiB where containers are pulled to it.",
    source="https://github.com/awslabs/awsome-distributed-training",
    check=_check,
)
