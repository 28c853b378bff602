"""What the account must be allowed is known."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.launches import TEMPLATE, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Resource, Template

# On-demand quotas, in vCPUs, by the letters that a family begins with; spot ones go by name (their codes conflict).
_QUOTAS = {
    "p": "L-417A185B (Running On-Demand P instances)",
    "g": "L-DB2E81BA (Running On-Demand G and VT instances)",
    "vt": "L-DB2E81BA (Running On-Demand G and VT instances)",
    "trn": "L-2C3B7624 (Running On-Demand Trn instances)",
    "inf": "L-1945791B (Running On-Demand Inf instances)",
    "dl": "L-6E869C2A (Running On-Demand DL instances)",
}


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        if launch.by.type == TEMPLATE or not launch.nodes or launch.body.market.text == "capacity-block":
            continue
        for node, facts in launch.known_types:
            quota = next((text for start, text in _QUOTAS.items() if _starts(facts.family, start)), facts.family)
            name = f"spot quota of {facts.family}" if launch.body.market.text == "spot" else f"quota {quota}"
            nics = len(launch.body.nics) or 1
            counts = f"{launch.nodes * facts.vcpus:,} vCPUs of {name} and {launch.nodes * nics:,} network interfaces"
            yield broken(node, f"{launch.nodes:,} x {facts.name} need {counts}")
    for cluster in template.of(CLUSTER):
        yield from _hyperpod(cluster)


def _hyperpod(cluster: Resource) -> Iterator[Found]:
    """SageMaker counts instances by type, all groups of a cluster together; a training plan has brought its own."""
    kinds: dict[str, list[Node]] = {}
    for group in groups(cluster):
        kind = group.at("InstanceType").text
        if kind and group.at("TrainingPlanArn").missing and group.at("InstanceCount").number:
            kinds.setdefault(kind, []).append(group)
    for kind, alike in kinds.items():
        count = sum(group.at("InstanceCount").number or 0 for group in alike)
        says = f"{count:,} x {kind} need as many of the SageMaker quota '{kind} for cluster usage'"
        yield broken(alike[0].at("InstanceType"), says)


def _starts(family: str, start: str) -> bool:
    return family.startswith(start) and not family[len(start) :][:1].isalpha()


RULE = Rule(
    id="quota-needed",
    severity=Severity.INFO,
    why="quotas of accelerated families are low or zero in a new account, and the launch fails on them",
    change="Compare with `aws service-quotas list-service-quotas --service-code ec2`, of HyperPod with sagemaker.",
    source="https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html",
    check=_check,
)
