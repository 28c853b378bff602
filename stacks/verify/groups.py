"""Which traffic do the template's security groups let pass, and which group is named where?"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stacks.verify.template import Node, Resource, Template

GROUP = "AWS::EC2::SecurityGroup"
WORLD = frozenset({"0.0.0.0/0", "::/0"})


class Pass(Struct, frozen=True):
    """One rule of a security group. `peer` is the group that it names, if any; `certain` as of its resource."""

    node: Node
    group: str
    inward: bool
    protocol: Node
    peer: Node
    certain: bool

    @property
    def everything(self) -> bool:
        """Whether it lets every protocol pass."""
        return self.protocol.text == "-1"

    @property
    def from_world(self) -> bool:
        """Whether it names every address."""
        return bool({self.node.at("CidrIp").text, self.node.at("CidrIpv6").text} & WORLD)

    def ports(self) -> tuple[int, int] | None:
        """The first and the last port; None where they are not known."""
        first, last = self.node.at("FromPort"), self.node.at("ToPort")
        if self.everything or (first.missing and last.missing) or first.number == -1:
            return 0, 65535
        if first.number is None or last.number is None:
            return None
        return first.number, last.number


def group_key(node: Node) -> str:
    """One name for a security group, whether by Ref or by its GroupId."""
    resource = node.resource
    return resource.name if resource and resource.type == GROUP else node.key


def passes(template: Template) -> tuple[Pass, ...]:
    """Every rule of every security group, those that stand in the group and those that stand alone."""
    if "passes" not in template.memo:
        template.memo["passes"] = (*_inline(template), *_alone(template))
    found: tuple[Pass, ...] = template.memo["passes"]
    return found


def _inline(template: Template) -> Iterator[Pass]:
    for resource in template.of(GROUP):
        for key, inward in (("SecurityGroupIngress", True), ("SecurityGroupEgress", False)):
            for node in resource.at(key).items:
                yield _pass(resource, node, resource.name, inward)


def _alone(template: Template) -> Iterator[Pass]:
    for kind, inward in ((f"{GROUP}Ingress", True), (f"{GROUP}Egress", False)):
        for resource in template.of(kind):
            yield _pass(resource, resource.at(), group_key(resource.at("GroupId")), inward)


def _pass(resource: Resource, node: Node, group: str, inward: bool) -> Pass:
    return Pass(
        node=node,
        group=group,
        inward=inward,
        protocol=node.at("IpProtocol"),
        peer=node.at("SourceSecurityGroupId" if inward else "DestinationSecurityGroupId"),
        certain=resource.certain,
    )


def named_pass(template: Template, group: str, peer: str, *, inward: bool) -> Pass | None:
    """A rule of `group` that lets everything pass from or to `peer` by its id; one that is certain before others."""
    if "by group" not in template.memo:
        by_group: dict[tuple[str, bool, str], list[Pass]] = {}
        for each in passes(template):
            if each.everything:
                by_group.setdefault((each.group, each.inward, group_key(each.peer)), []).append(each)
        template.memo["by group"] = by_group
    found: list[Pass] = template.memo["by group"].get((group, inward, peer), [])
    return max(found, key=lambda each: each.certain, default=None)
