"""PCS nodes have EFA devices of the kind that PCS keeps."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import PCS, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.by.type == PCS:
            for nic in launch.body.nics:
                if nic.kind == "efa-only":
                    yield broken(nic.node.at("InterfaceType"), f"{launch.by.name} is launched with efa-only devices")


RULE = Rule(
    id="pcs-efa-only",
    severity=Severity.ERROR,
    why="AWS PCS drops efa-only interfaces silently, and the nodes talk over TCP",
    change="Use InterfaceType `efa` there, and a subnet with an address for each.",
    source="https://github.com/awslabs/awsome-distributed-training/tree/main/1.architectures/9.aws-pcs",
    check=_check,
)
