"""A group behind a load balancer replaces what the load balancer finds ill."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import GROUP
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for group in template.of(GROUP):
        kind = group.at("HealthCheckType")
        if group.at("TargetGroupARNs").missing or kind.open:
            continue
        if "ELB" not in (kind.text or ""):
            yield broken(group if kind.missing else kind, "the group looks at EC2's status alone")
        elif group.at("HealthCheckGracePeriod").missing:
            yield broken(group, "no HealthCheckGracePeriod covers loading the model")


RULE = Rule(
    id="group-health-check",
    severity=Severity.WARNING,
    why="a server that hangs is healthy to EC2 and stays; one that is still loading its weights is ill and ended, "
    "over and over",
    change="Set HealthCheckType to ELB, and HealthCheckGracePeriod above image pull and weight load.",
    source="https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-checks-overview.html",
    check=_check,
)
