"""A load balancer for the internet speaks HTTPS."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Template


def _check(template: Template) -> Iterator[Found]:
    for listener in template.of("AWS::ElasticLoadBalancingV2::Listener"):
        balancer = listener.at("LoadBalancerArn").resource
        inside = balancer is not None and balancer.at("Scheme").text == "internal"
        if listener.at("Protocol").text != "HTTP" or inside or balancer is None:
            continue
        for action in listener.at("DefaultActions").items:
            if action.at("Type").text != "redirect" and not _refusing(action):
                yield broken(listener.at("Protocol"), f"{balancer.name} serves the internet over plain HTTP")


def _refusing(action: Node) -> bool:
    return action.at("Type").text == "fixed-response"


RULE = Rule(
    id="listener-encrypted",
    severity=Severity.ERROR,
    why="prompts, answers and keys are readable on the way",
    change="Use an HTTPS listener with a certificate, and redirect HTTP to it; or make the load balancer internal.",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/create-https-listener.html",
    check=_check,
)
