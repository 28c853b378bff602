"""A Lustre file system's group lets its clients in."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.groups import GROUP, group_key, named_pass, passes
from stacks.verify.launches import launches
from stacks.verify.lustre import file_systems, has_efa
from stacks.verify.rule import Found, Rule, Severity, broken, not_told
from stacks.verify.template import Resource, Template

# Lustre's own ports; 1018 to 1023 are between its servers and clients.
_PORTS = ((988, 988), (1018, 1023))


def _check(template: Template) -> Iterator[Found]:
    for system in file_systems(template):
        named = system.at("SecurityGroupIds")
        for node in named.items:
            group = node.resource
            if group is None or group.type != GROUP:
                yield not_told(node, "the file system's group is not in this template")
        groups = [node.resource for node in named.items if node.resource and node.resource.type == GROUP]
        if groups and len(groups) == len(named.items):
            yield from _ports(template, groups)
            if has_efa(system):
                yield from _pairs(template, groups)


def _ports(template: Template, groups: list[Resource]) -> Iterator[Found]:
    names = {group.name for group in groups}
    open_ranges = [each.ports() for each in passes(template) if each.inward and each.group in names]
    for first, last in _PORTS:
        if not any(found is None or (found[0] <= first and last <= found[1]) for found in open_ranges):
            yield broken(groups[0], f"no rule lets TCP {first}{f' to {last}' if last != first else ''} in")


def _pairs(template: Template, groups: list[Resource]) -> Iterator[Found]:
    """With EFA the groups of nodes and file system in one VPC must name each other, in and out."""
    nodes = {
        group_key(node)
        for launch in launches(template)
        for nic in launch.body.nics
        if nic.efa
        for node in nic.node.at("Groups").items
    }
    own = [group.name for group in groups]
    network = groups[0].at("VpcId").key
    for other in sorted(nodes - set(own)):
        peer = template.resources.get(other)
        if peer and peer.at("VpcId").key != network:
            continue
        for inward, way in ((True, "in from"), (False, "out to")):
            for one, names, peers in ((own[0], own, [other]), (other, [other], own)):
                if not any(named_pass(template, name, peer, inward=inward) for name in names for peer in peers):
                    yield broken(
                        groups[0], f"no rule of {one} lets everything {way} {peers[0]} by its id, as EFA needs"
                    )


RULE = Rule(
    id="fsx-security-group",
    severity=Severity.ERROR,
    why="clients mount over TCP 988 and 1018 to 1023, and EFA traffic passes only between groups that name each other",
    change="Let the nodes' group in by its id; with EFA, everything, in and out, in both groups.",
    source="https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html",
    check=_check,
)
