"""HyperPod has the instance types that are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_REFUSED = ("ml.trn2u.", "ml.inf1.", "ml.inf2.")


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            kind = group.at("InstanceType")
            if kind.text and not kind.text.startswith("ml."):
                yield broken(kind, f"{kind.text} is EC2's name; SageMaker's is ml.{kind.text}")
            elif kind.text and kind.text.startswith(_REFUSED):
                yield broken(kind, f"HyperPod has no {kind.text}")


RULE = Rule(
    id="hyperpod-instance-type",
    severity=Severity.ERROR,
    why="HyperPod knows types by their ml. names, and not all that EC2 has",
    change="Choose a type that HyperPod has.",
    source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClusterInstanceGroupSpecification.html",
    check=_check,
)
