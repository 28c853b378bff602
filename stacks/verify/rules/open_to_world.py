"""Nothing lets the whole internet in."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.groups import Pass, group_key, passes
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_WEB = ((80, 80), (443, 443))


def _check(template: Template) -> Iterator[Found]:
    fronts = _fronts(template)
    for each in passes(template):
        if each.inward and each.from_world and not (each.group in fronts and each.ports() in _WEB):
            yield broken(each.node, f"the whole internet is let in at {_ports(each)}")


def _fronts(template: Template) -> set[str]:
    """The groups of load balancers that are meant for the internet, which another rule speaks of."""
    return {
        group_key(node)
        for each in template.of("AWS::ElasticLoadBalancingV2::LoadBalancer")
        if each.at("Scheme").text != "internal"
        for node in each.at("SecurityGroups").items
    }


def _ports(each: Pass) -> str:
    found = each.ports()
    if found is None:
        return "some ports"
    first, last = found
    return (
        "all ports" if (first, last) == (0, 65535) else f"ports {first} to {last}" if first != last else f"port {first}"
    )


RULE = Rule(
    id="open-to-world",
    severity=Severity.ERROR,
    why="rented GPUs are searched for within minutes; an open port is a way in, and a bill",
    change="Name the group or the block that needs it; reach nodes by Session Manager.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    check=_check,
)
