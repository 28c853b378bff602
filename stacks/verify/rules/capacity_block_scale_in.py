"""A group in a Capacity Block is scaled in before the block ends."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import GROUP, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    ended = {
        each.at("AutoScalingGroupName").target
        for each in template.of("AWS::AutoScaling::ScheduledAction")
        if 0 in (each.at("MaxSize").number, each.at("DesiredCapacity").number)
    }
    for launch in launches(template):
        block = launch.body.market.text == "capacity-block"
        if block and launch.by.type == GROUP and launch.by.name not in ended:
            yield broken(launch.by, "no scheduled action scales the group to zero")


RULE = Rule(
    id="capacity-block-scale-in",
    severity=Severity.WARNING,
    why="EC2 ends the nodes 30 minutes before the block does, and the group goes on launching into nothing",
    change="Add an AWS::AutoScaling::ScheduledAction to zero more than 30 minutes before the end.",
    source="https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-capacity-blocks.html",
    check=_check,
)
