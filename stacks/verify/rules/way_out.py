"""Nodes reach what they need to be reached, and to work."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.places import routes_of, subnets_named
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Resource, Template

_SERVICES = ("ssm", "ssmmessages", "ec2messages", "logs", "sts", "ecr.api", "ecr.dkr")


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        for subnet in subnets_named(launch.subnets) if launch.accelerated else ():
            tables, routes = routes_of(template, subnet)
            out = any(route.at("DestinationCidrBlock").text in (None, "0.0.0.0/0") for route in routes)
            missing = _missing(template, subnet)
            if tables and not out and missing:
                yield broken(subnet, f"no default route, and no interface endpoint for {', '.join(missing)}")


def _missing(template: Template, subnet: Resource) -> list[str]:
    names = [
        each.at("ServiceName").known_text
        for each in template.of("AWS::EC2::VPCEndpoint")
        if each.at("VpcId").key == subnet.at("VpcId").key
    ]
    return [service for service in _SERVICES if not any(name.endswith(f".{service}") for name in names)]


RULE = Rule(
    id="way-out",
    severity=Severity.WARNING,
    why="without a way out or endpoints nobody reaches the node, it pulls no image and writes no log, and the stack "
    "waits for it in vain",
    change="Route 0.0.0.0/0 to a NAT gateway, or add the interface endpoints; then pip, Hugging Face and nvcr.io are "
    "out of reach.",
    source="https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html",
    check=_check,
)
