"""EFA traffic passes only between groups that name each other by id, both ways."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.groups import GROUP, group_key, named_pass
from stacks.verify.hyperpod import CLUSTER, efa_group_nodes
from stacks.verify.launches import template_bodies
from stacks.verify.rule import Found, Rule, Severity, broken, not_told
from stacks.verify.template import Node, Template


def _check(template: Template) -> Iterator[Found]:
    seen: set[str] = set()
    for named in _groups(template):
        key = group_key(named)
        if key not in seen:
            seen.add(key)
            yield from _pair(template, named, key)


def _groups(template: Template) -> Iterator[Node]:
    for body in template_bodies(template):
        for nic in body.nics:
            if nic.efa:
                groups = nic.node.at("Groups")
                yield from (groups,) if groups.open else groups.items
    for cluster in template.of(CLUSTER):
        yield from efa_group_nodes(cluster)


def _pair(template: Template, named: Node, key: str) -> Iterator[Found]:
    resource = named.resource
    own = resource if resource and resource.type == GROUP else None
    for inward, way in ((True, "in from itself"), (False, "out to itself")):
        found = named_pass(template, key, key, inward=inward)
        if found is None and own is None:
            yield not_told(named, f"the group is not in this template; it must let everything {way}, by its own id")
        elif found is None and own is not None:
            yield broken(own, f"no rule lets everything {way}, by the group's own id")
        elif found is not None and not found.certain:
            yield not_told(found.node, f"whether everything may go {way} depends on a condition")


RULE = Rule(
    id="efa-security-group-pair",
    severity=Severity.ERROR,
    why="EFA traffic obeys only rules that name a security group; a rule for 0.0.0.0/0 does not let it pass, and jobs "
    "hang or fall back to TCP",
    change="Add AWS::EC2::SecurityGroupIngress and AWS::EC2::SecurityGroupEgress, protocol -1, from and to the group's "
    "own id.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-start.html",
    check=_check,
)
