"""A node with several interfaces asks for no public address."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        for nic in body.nics if len(body.nics) > 1 else ():
            public = nic.node.at("AssociatePublicIpAddress")
            if public.flag:
                yield broken(public, f"a public address is asked for on a node with {len(body.nics)} interfaces")
            elif public.open:
                yield cannot_know(public, "whether a public address is asked for")


RULE = Rule(
    id="public-ip-with-several-nics",
    severity=Severity.ERROR,
    why="EC2 gives public addresses at launch only to instances with one interface, and refuses the others",
    change="Take AssociatePublicIpAddress away; use a NAT gateway, or an elastic address after the launch.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html",
    check=_check,
)
