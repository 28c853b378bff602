"""A managed node group boots an image with its accelerators' driver."""

from __future__ import annotations

from collections.abc import Iterator

from pricing.instance_type import InstanceType
from stacks.verify.launches import EKS_NODES, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# Words in the names of the kinds that have the driver; Bottlerocket's plain one finds Neuron devices by itself.
_DRIVERS = {"NVIDIA": ("NVIDIA", "GPU"), "AWS": ("NEURON", "x86_64_GPU", "BOTTLEROCKET_x86_64")}


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        kind = launch.by.at("AmiType")
        if launch.by.type != EKS_NODES or kind.open or kind.text == "CUSTOM":
            continue
        if kind.missing and not launch.body.data.at("ImageId").missing:
            continue
        for _, facts in launch.known_types:
            if not _drives(kind.text or "", facts):
                said = "EKS's plain image by default" if kind.missing else kind.text
                yield broken(launch.by if kind.missing else kind, f"{facts.name} boots {said}")


def _drives(kind: str, facts: InstanceType) -> bool:
    """Whether a kind of image has the driver, and is of the type's architecture."""
    words = _DRIVERS.get(facts.accelerator.vendor)
    arm = "ARM_64" in kind
    return words is None or (any(word in kind for word in words) and arm == (facts.architecture == "arm64"))


RULE = Rule(
    id="eks-image-kind",
    severity=Severity.ERROR,
    why="another image lacks the driver, or is of another architecture: nodes join, and no pod finds an accelerator",
    change="Set AmiType to AL2023_x86_64_NVIDIA, AL2023_ARM_64_NVIDIA or AL2023_x86_64_NEURON, as the type asks.",
    source="https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html",
    check=_check,
)
