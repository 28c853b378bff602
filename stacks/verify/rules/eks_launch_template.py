"""A managed node group's launch template says nothing that is the node group's own to say."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import EKS_NODES, Launch, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_REFUSED = ("IamInstanceProfile", "InstanceInitiatedShutdownBehavior", "HibernationOptions")


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.by.type == EKS_NODES:
            yield from _refused(launch)
            yield from _twice(launch)


def _refused(launch: Launch) -> Iterator[Found]:
    for key in _REFUSED:
        if not launch.body.data.at(key).missing:
            yield broken(launch.body.data.at(key), f"the launch template of {launch.by.name} says {key}")
    if launch.body.market.text == "spot":
        yield broken(launch.body.market, f"the launch template of {launch.by.name} asks for spot")
    for nic in launch.body.nics:
        if not nic.node.at("SubnetId").missing:
            yield broken(nic.node.at("SubnetId"), f"the launch template of {launch.by.name} names a subnet")


def _twice(launch: Launch) -> Iterator[Found]:
    """What may stand in one of the two alone."""
    for key, own in (("InstanceType", "InstanceTypes"), ("ImageId", "AmiType"), ("BlockDeviceMappings", "DiskSize")):
        if not launch.body.data.at(key).missing and not launch.by.at(own).missing:
            yield broken(launch.by.at(own), f"{own} is given beside {key} of the launch template")


RULE = Rule(
    id="eks-launch-template",
    severity=Severity.ERROR,
    why="EKS refuses a node group whose launch template names a subnet, an instance profile, spot or what a shutdown "
    "does, or says what the node group says too",
    change="Take it out of the launch template, and say it in the node group: Subnets, NodeRole, CapacityType.",
    source="https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html",
    check=_check,
)
