"""Where do the template's subnets stand, and how large are they?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network

from msgspec import Struct

from stacks.verify.addresses import network
from stacks.verify.facts import regions_by_zone_prefix
from stacks.verify.template import Node, Resource, Template

SUBNET = "AWS::EC2::Subnet"
_INDEXED = re.compile(r"Select\((\d+),(GetAZs\(.*\))\)")
_ZONE_NAME = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]")


class Zone(Struct, frozen=True):
    """The zone of a subnet: its property, and whether that is a zone id rather than an account's name for it."""

    node: Node
    by_id: bool

    @property
    def indexed(self) -> bool:
        """Whether it is the n-th of a list whose order is not fixed."""
        return _INDEXED.fullmatch(self.node.key) is not None

    @property
    def region(self) -> str | None:
        """The region that its text tells."""
        text = self.node.text or ""
        if self.by_id:
            return regions_by_zone_prefix().get(text.rpartition("-")[0])
        match = _ZONE_NAME.fullmatch(text)
        return match[1] if match else None


def zone_of(subnet: Resource) -> Zone | None:
    """The zone that a subnet names; None where it names none."""
    for key, by_id in (("AvailabilityZoneId", True), ("AvailabilityZone", False)):
        node = subnet.at(key)
        if not node.missing:
            return Zone(node, by_id)
    return None


def subnets_named(nodes: Iterable[Node]) -> tuple[Resource, ...]:
    """The subnets of the template among those named, each once."""
    found = (node.resource for node in nodes)
    return tuple({each.name: each for each in found if each and each.type == SUBNET}.values())


def zones_apart(nodes: tuple[Node, ...]) -> bool | None:
    """Whether the subnets named stand in different zones; None where the template does not tell."""
    subnets = subnets_named(nodes)
    if len({node.key for node in nodes}) <= 1:
        return None if any(isinstance(node.value, list) or (node.open and not node.target) for node in nodes) else False
    zones = [zone_of(each) for each in subnets]
    known = [zone for zone in zones if zone]
    for kind in (True, False):
        texts = {zone.node.text for zone in known if zone.by_id is kind and zone.node.text}
        indexes = {zone.node.key for zone in known if zone.by_id is kind and zone.indexed}
        if len(texts) > 1 or len({_INDEXED.sub(r"\2", key) for key in indexes}) < len(indexes):
            return True
    same = len({zone.node.key for zone in known}) == 1 and len(known) == len(zones)
    return False if same and len(subnets) == len({node.key for node in nodes}) else None


def block_of(subnet: Resource) -> IPv4Network | None:
    """The block of a subnet; None where it is not known."""
    text = subnet.at("CidrBlock").text
    return network(text) if text else None


def blocks_of_vpc(template: Template, vpc: Node) -> list[IPv4Network] | None:
    """Every block of a VPC of the template; None where one is not known, or the VPC is not in the template."""
    resource = vpc.resource
    if resource is None:
        return None
    more = [each for each in template.of("AWS::EC2::VPCCidrBlock") if each.at("VpcId").target == resource.name]
    nodes = [each.at("CidrBlock") for each in (resource, *more)]
    found = [network(node.text or "") for node in nodes if not (node.missing and node.path[1] != resource.name)]
    return None if None in found else [each for each in found if each]


def routes_of(template: Template, subnet: Resource) -> tuple[tuple[str, ...], tuple[Resource, ...]]:
    """The route tables of the template that a subnet is associated with, and their routes."""
    if "routes" not in template.memo:
        uses = list(template.of("AWS::EC2::SubnetRouteTableAssociation"))
        template.memo["uses"] = _by_target((use.at("SubnetId").target, use) for use in uses)
        routes = template.of("AWS::EC2::Route")
        template.memo["routes"] = _by_target((route.at("RouteTableId").target, route) for route in routes)
    named = (use.at("RouteTableId").target for use in template.memo["uses"].get(subnet.name, ()))
    tables = tuple(filter(None, named))
    return tables, tuple(route for table in tables for route in template.memo["routes"].get(table, ()))


def _by_target(pairs: Iterable[tuple[str | None, Resource]]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for target, resource in pairs:
        if target:
            found.setdefault(target, []).append(resource)
    return found
