"""A load balancer is private unless it is meant not to be."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for balancer in template.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        scheme = balancer.at("Scheme")
        if not scheme.open and scheme.text != "internal":
            yield broken(balancer if scheme.missing else scheme, "the load balancer faces the internet")


RULE = Rule(
    id="load-balancer-public",
    severity=Severity.WARNING,
    why="a model behind a public address is used by whoever finds it, at your cost",
    change="Set Scheme to internal, or keep it public with authentication on every listener.",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html",
    check=_check,
)
