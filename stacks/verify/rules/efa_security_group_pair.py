"""EFA traffic passes only between groups that name each other by id, both ways."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.groups import GROUP, group_key, named_pass
from stacks.verify.hyperpod import CLUSTER, efa_group_nodes
from stacks.verify.launches import template_bodies
from stacks.verify.rule import Found, Rule, Severity, broken, not_told
from stacks.verify.template import Node, Template


def _check(template: Template) -> Iterator[Found]:
    seen: set[frozenset[str]] = set()
    for named in _groups(template):
        keys = frozenset(map(group_key, named))
        if keys and keys not in seen:
            seen.add(keys)
            yield from _pair(template, named, keys)


def _groups(template: Template) -> Iterator[tuple[Node, ...]]:
    """The groups of each EFA interface, together."""
    for body in template_bodies(template):
        for nic in body.nics:
            if nic.efa:
                groups = nic.node.at("Groups")
                yield (groups,) if groups.open else groups.items
    for cluster in template.of(CLUSTER):
        yield from efa_group_nodes(cluster)


def _pair(template: Template, named: tuple[Node, ...], keys: frozenset[str]) -> Iterator[Found]:
    """Groups add up: it is enough that one of an interface's lets everything pass from and to one of them."""
    elsewhere = [node for node in named if not (node.resource and node.resource.type == GROUP)]
    for inward, way in ((True, "in from itself"), (False, "out to itself")):
        passing = (named_pass(template, group, peer, inward=inward) for group in keys for peer in keys)
        found = max(filter(None, passing), key=lambda each: each.certain, default=None)
        if found is None and elsewhere:
            message = f"the group is not in this template; it must let everything {way}, by its own id"
            yield not_told(elsewhere[0], message)
        elif found is None:
            own = named[0].resource
            assert own
            yield broken(own, f"no rule lets everything {way}, by the group's own id")
        elif not found.certain:
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
