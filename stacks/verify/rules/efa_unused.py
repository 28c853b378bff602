"""Several nodes of a type with EFA have it."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import EKS_NODES, FLEET, GROUP, PCS, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        served = launch.by.type == GROUP and not launch.by.at("TargetGroupARNs").missing
        if launch.efa or launch.by.type not in (FLEET, GROUP, EKS_NODES, PCS) or served or (launch.nodes or 0) < 2:
            continue
        for node, facts in launch.known_types:
            if len(facts.efa_cards) > 1:
                yield broken(node, f"{launch.nodes} nodes of {facts.name} are launched without any EFA device")


RULE = Rule(
    id="efa-unused",
    severity=Severity.WARNING,
    why="without EFA interfaces the nodes talk over TCP on one card: no error, a fraction of the bandwidth, and hangs "
    "at scale",
    change="List the type's EFA interfaces in the launch template, or ignore this where every node works alone.",
    source="https://github.com/aws/sagemaker-training-toolkit/issues/240",
    check=_check,
)
