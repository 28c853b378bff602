"""A group in a Capacity Block mixes nothing and keeps nothing warm."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import GROUP, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    warmed = {each.at("AutoScalingGroupName").target for each in template.of("AWS::AutoScaling::WarmPool")}
    for launch in launches(template):
        group = launch.by
        if group.type != GROUP or launch.body.market.text != "capacity-block":
            continue
        if not group.at("MixedInstancesPolicy").missing:
            yield broken(group.at("MixedInstancesPolicy"), "a mixed instances policy in a Capacity Block")
        if group.name in warmed:
            yield broken(group, "a warm pool in a Capacity Block")


RULE = Rule(
    id="capacity-block-auto-scaling",
    severity=Severity.ERROR,
    why="auto scaling launches into a Capacity Block with neither a mixed instances policy nor a warm pool",
    change="Use a launch template alone.",
    source="https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html",
    check=_check,
)
