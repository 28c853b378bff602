"""Which resources launch nodes: of which types, how many, with which interfaces, into which subnets?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from msgspec import Struct

from pricing.instance_type import InstanceType
from stacks.verify.facts import hardware
from stacks.verify.template import Node, Resource, Template

EFA_KINDS = frozenset({"efa", "efa-only"})
TEMPLATE = "AWS::EC2::LaunchTemplate"
INSTANCE = "AWS::EC2::Instance"
FLEET = "AWS::EC2::EC2Fleet"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
EKS_NODES = "AWS::EKS::Nodegroup"
BATCH = "AWS::Batch::ComputeEnvironment"
PCS = "AWS::PCS::ComputeNodeGroup"


class Nic(Struct, frozen=True):
    """One network interface of a launch template; None for what is not known."""

    node: Node
    card: int | None
    device: int | None
    kind: str | None

    @property
    def efa(self) -> bool:
        """Whether it is an EFA device."""
        return self.kind in EFA_KINDS

    @property
    def addressed(self) -> bool:
        """Whether it takes an address of the subnet."""
        return self.kind != "efa-only"

    @property
    def place(self) -> str:
        """Its place in words."""
        return f"card {self.card}, device {self.device}"


class Body(Struct, frozen=True):
    """What a launch template, or an instance without one, says of its nodes."""

    resource: Resource
    data: Node
    nics: tuple[Nic, ...]

    @property
    def market(self) -> Node:
        """Its market type; missing on demand."""
        return self.data.at("InstanceMarketOptions", "MarketType")

    @property
    def reservation(self) -> Node:
        """The reservation, or the group of them, that it targets."""
        target = self.data.at("CapacityReservationSpecification", "CapacityReservationTarget")
        named = target.at("CapacityReservationId")
        return target.at("CapacityReservationResourceGroupArn") if named.missing else named


class Launch(Struct, frozen=True):
    """One way in which nodes are launched. `by` is the launch template itself where nothing in the template uses it.

    `count` is the most nodes there can be, None where that is not a count of nodes.
    """

    by: Resource
    body: Body
    types: tuple[Node, ...]
    subnets: tuple[Node, ...]
    count: Node | None
    placement: tuple[Node, ...]

    @property
    def nodes(self) -> int | None:
        """How many nodes at most; None where that is not known."""
        return self.count.number if self.count else 1 if self.by.type == INSTANCE else None

    @property
    def efa(self) -> bool:
        """Whether any of its interfaces is an EFA device."""
        return any(nic.efa for nic in self.body.nics)

    @property
    def known_types(self) -> Iterator[tuple[Node, InstanceType]]:
        """Its instance types that Berth has facts of."""
        for node in self.types:
            facts = hardware(node.text)
            if facts:
                yield node, facts

    @property
    def accelerated(self) -> bool:
        """Whether any of its types is known to carry accelerators."""
        return any(True for _ in self.known_types)


def bodies(template: Template) -> tuple[Body, ...]:
    """Every launch template, and every instance, by what it says of its nodes."""
    if "bodies" not in template.memo:
        stated = [(each, each.at("LaunchTemplateData")) for each in template.of(TEMPLATE)]
        alone = [(each, each.at()) for each in template.of(INSTANCE)]
        template.memo["bodies"] = tuple(_body(resource, data) for resource, data in (*stated, *alone))
    found: tuple[Body, ...] = template.memo["bodies"]
    return found


def template_bodies(template: Template) -> Iterator[Body]:
    """What each launch template says, and each instance that is launched without one."""
    for body in bodies(template):
        if body.resource.type == TEMPLATE or body.data.at("LaunchTemplate").missing:
            yield body


def launches(template: Template) -> tuple[Launch, ...]:
    """Every way in which the template launches nodes."""
    if "launches" not in template.memo:
        found = [launch for kind, read in _READERS.items() for each in template.of(kind) for launch in read(each)]
        used = {name for launch in found for name in (launch.body.resource.name, launch.by.name)}
        alone = [_unused(body) for body in bodies(template) if body.resource.name not in used]
        template.memo["launches"] = (*found, *alone)
    found_all: tuple[Launch, ...] = template.memo["launches"]
    return found_all


def layouts(template: Template) -> Iterator[tuple[Body, Node, InstanceType]]:
    """Each launch template with each type that Berth has facts of and that it may launch, once."""
    seen: set[tuple[str, str]] = set()
    for launch in launches(template):
        for node, facts in launch.known_types:
            if (launch.body.resource.name, facts.name) not in seen:
                seen.add((launch.body.resource.name, facts.name))
                yield launch.body, node, facts


def by_card(nics: tuple[Nic, ...]) -> Iterator[tuple[int, list[Nic]]]:
    """The interfaces of each card whose number is known, in order."""
    known = sorted((nic for nic in nics if nic.card is not None), key=lambda nic: nic.card or 0)
    for card, found in groupby(known, key=lambda nic: nic.card or 0):
        yield card, list(found)


def _body(resource: Resource, data: Node) -> Body:
    return Body(resource, data, tuple(_nic(node) for node in data.at("NetworkInterfaces").items))


def _nic(node: Node) -> Nic:
    card, kind = node.at("NetworkCardIndex"), node.at("InterfaceType")
    return Nic(
        node=node,
        card=0 if card.missing else card.number,
        device=node.at("DeviceIndex").number,
        kind="interface" if kind.missing else kind.text,
    )


def _body_of(template: Template, *named: Node) -> Body | None:
    if "by name" not in template.memo:
        own = [body for body in bodies(template) if body.resource.type == TEMPLATE]
        stated = {("name", body.resource.at("LaunchTemplateName").text): body for body in own}
        template.memo["by name"] = stated | {("id", body.resource.name): body for body in own}
    known: dict[tuple[str, str | None], Body] = template.memo["by name"]
    for node in named:
        found = known.get(("id", node.target)) or (known.get(("name", node.text)) if node.text else None)
        if found:
            return found
    return None


def _present(*nodes: Node) -> tuple[Node, ...]:
    return tuple(node for node in nodes if not node.missing)


def _listed(node: Node) -> tuple[Node, ...]:
    """The items of a list, or the whole where it is open: one value that stands for all."""
    return (node,) if node.open else _present(*node.items)


def _launch(
    by: Resource, body: Body, *, types: tuple[Node, ...], subnets: tuple[Node, ...], count: Node | None, group: Node
) -> Launch:
    return Launch(
        by=by,
        body=body,
        types=types or _present(body.data.at("InstanceType")),
        subnets=subnets or _present(*(nic.node.at("SubnetId") for nic in body.nics)),
        count=count,
        placement=_present(group, body.data.at("Placement", "GroupName"), body.data.at("Placement", "GroupId")),
    )


def _instance(by: Resource) -> Iterator[Launch]:
    named = by.at("LaunchTemplate")
    body = _body_of(by.template, named.at("LaunchTemplateId"), named.at("LaunchTemplateName"))
    if named.missing:
        body = _body(by, by.at())
    if body is None:
        return
    yield _launch(
        by,
        body,
        types=_present(by.at("InstanceType")),
        subnets=_present(by.at("SubnetId")),
        count=None,
        group=by.at("PlacementGroupName"),
    )


def _fleet(by: Resource) -> Iterator[Launch]:
    count = by.at("TargetCapacitySpecification", "TotalTargetCapacity")
    for config in by.at("LaunchTemplateConfigs").items:
        named = config.at("LaunchTemplateSpecification")
        body = _body_of(by.template, named.at("LaunchTemplateId"), named.at("LaunchTemplateName"))
        overrides = config.at("Overrides").items
        if body is None:
            continue
        yield _launch(
            by,
            body,
            types=_present(*(each.at("InstanceType") for each in overrides)),
            subnets=_present(*(each.at("SubnetId") for each in overrides)),
            count=count,
            group=next((each.at("Placement", "GroupName") for each in overrides), by.at("PlacementGroup")),
        )


def _group(by: Resource) -> Iterator[Launch]:
    mixed = by.at("MixedInstancesPolicy", "LaunchTemplate")
    named = by.at("LaunchTemplate") if mixed.missing else mixed.at("LaunchTemplateSpecification")
    body = _body_of(by.template, named.at("LaunchTemplateId"), named.at("LaunchTemplateName"))
    if body is not None:
        yield _launch(
            by,
            body,
            types=_present(*(each.at("InstanceType") for each in mixed.at("Overrides").items)),
            subnets=_listed(by.at("VPCZoneIdentifier")),
            count=by.at("MaxSize"),
            group=by.at("PlacementGroup"),
        )


def _eks(by: Resource) -> Iterator[Launch]:
    named = by.at("LaunchTemplate")
    body = _body_of(by.template, named.at("Id"), named.at("Name"))
    if body is not None:
        yield _launch(
            by,
            body,
            types=_listed(by.at("InstanceTypes")),
            subnets=_listed(by.at("Subnets")),
            count=by.at("ScalingConfig", "MaxSize"),
            group=by.at("PlacementGroup"),
        )


def _batch(by: Resource) -> Iterator[Launch]:
    means = by.at("ComputeResources")
    named = means.at("LaunchTemplate")
    body = _body_of(by.template, named.at("LaunchTemplateId"), named.at("LaunchTemplateName"))
    if body is not None:
        yield _launch(
            by,
            body,
            types=_listed(means.at("InstanceTypes")),
            subnets=_listed(means.at("Subnets")),
            count=None,
            group=means.at("PlacementGroup"),
        )


def _pcs(by: Resource) -> Iterator[Launch]:
    named = by.at("CustomLaunchTemplate")
    body = _body_of(by.template, named.at("TemplateId"), named.at("Id"))
    if body is not None:
        yield _launch(
            by,
            body,
            types=_present(*(each.at("InstanceType") for each in by.at("InstanceConfigs").items)),
            subnets=_listed(by.at("SubnetIds")),
            count=by.at("ScalingConfiguration", "MaxInstanceCount"),
            group=by.at("PlacementGroup"),
        )


def _unused(body: Body) -> Launch:
    return _launch(body.resource, body, types=(), subnets=(), count=None, group=body.data.at("Placement", "None"))


_READERS: Mapping[str, Callable[[Resource], Iterator[Launch]]] = {
    INSTANCE: _instance,
    FLEET: _fleet,
    GROUP: _group,
    EKS_NODES: _eks,
    BATCH: _batch,
    PCS: _pcs,
}
