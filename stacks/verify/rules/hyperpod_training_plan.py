"""A training plan is used by those who compute."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_ARN = re.compile(r"arn:[\w*-]+:sagemaker:[\w*-]*:[\d*]*:training-plan/[\w*-]+")


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            plan = group.at("TrainingPlanArn")
            if plan.missing:
                continue
            if group.at("SlurmConfig", "NodeType").text == "Controller":
                yield broken(plan, "the controller is to run in a training plan")
            elif plan.text is not None and not _ARN.fullmatch(plan.text):
                yield broken(plan, f"{plan.text!r} is no ARN of a training plan")
            elif not group.at("CapacityRequirements", "Spot").missing:
                yield broken(plan, "spot nodes are to run in a training plan")


RULE = Rule(
    id="hyperpod-training-plan",
    severity=Severity.ERROR,
    why="a training plan is capacity of one accelerated type in one zone, bought beforehand; the controller is of "
    "another type, and outlives it",
    change="Name the plan's ARN on the compute group alone, whose subnet is in the plan's zone.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/reserve-capacity-with-training-plans.html",
    check=_check,
)
