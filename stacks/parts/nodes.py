"""What is one node: which network interfaces on which card, which disk, under which launch template?

Whatever stands in the launch template relaunches every node when it changes, because a fleet takes a new
template version only by being replaced. So nothing stands here that does not make a different node.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnTag, Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct
from msgspec import Struct

from planner.plan import Build
from pricing.units import GIB
from stacks.errors import StackError
from stacks.parts.capacity import Capacity
from stacks.parts.tags import node_tags

Template = ec2.CfnLaunchTemplate

INTERFACE = "interface"
EFA_ONLY = "efa-only"
# One hop more than the instance itself, so that containers reach the role's credentials.
METADATA = Template.MetadataOptionsProperty(
    http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=2
)


class Nic(Struct, frozen=True, kw_only=True):
    """One network interface: its card, its place on the card, and whether it speaks IP or EFA."""

    card: int
    device: int
    kind: str


ONE_ENA: tuple[Nic, ...] = (Nic(card=0, device=0, kind=INTERFACE),)


def efa_nics(*, instance_type: str, efa_cards: Sequence[int], nic_slots: Sequence[int]) -> tuple[Nic, ...]:
    """Every EFA device that the type has, with one address per node.

    Card 0 carries the address in its first place; its EFA device, on types whose card 0 has one, goes beside
    it. All other cards carry their EFA device in the first place. Raises StackError where a card has no room.
    """
    nics = ONE_ENA + tuple(Nic(card=card, device=1 if card == 0 else 0, kind=EFA_ONLY) for card in sorted(efa_cards))
    crowded = [nic.card for nic in nics if nic.card >= len(nic_slots) or nic.device >= nic_slots[nic.card]]
    if crowded:
        raise StackError(
            f"{instance_type!r} is said to carry EFA on cards {list(efa_cards)}, but its cards take "
            f"{list(nic_slots)} interfaces, which leaves no room on card {crowded[0]}. "
            "Correct the type's network cards in pricing/data."
        )
    return nics


def node_template(
    scope: Construct,
    construct_id: str,
    *,
    build: Build,
    nics: Sequence[Nic],
    capacity: Capacity,
    image_id: str | None,
    root: str,
    group_ids: Sequence[str],
    subnet_id: str | None,
    profile_arn: str | None,
    placement_group: str | None,
    user_data: str,
) -> ec2.CfnLaunchTemplate:
    """The launch template of every node.

    `subnet_id` goes on each interface for RunInstances, which refuses it anywhere else beside interfaces, and
    is None for CreateFleet, whose override supplies it (aws-parallelcluster PR 4521). `root` is the root device of the
    image. EKS supplies image and profile itself, which are None for it, and ends nodes its own way: it refuses a
    template that says how (EKS user guide, launch templates).
    """
    return Template(
        scope,
        construct_id,
        launch_template_data=Template.LaunchTemplateDataProperty(
            instance_type=build.instance_type,
            image_id=image_id,
            block_device_mappings=[_root_volume(build, root)],
            network_interfaces=[_interface(nic, group_ids=group_ids, subnet_id=subnet_id) for nic in nics],
            iam_instance_profile=Template.IamInstanceProfileProperty(arn=profile_arn) if profile_arn else None,
            placement=_placement(placement_group),
            instance_market_options=_market(capacity),
            capacity_reservation_specification=_reservation(capacity),
            metadata_options=METADATA,
            monitoring=Template.MonitoringProperty(enabled=True),
            # A node that shuts itself down must not stay behind as a stopped, billed disk.
            instance_initiated_shutdown_behavior="terminate" if profile_arn else None,
            tag_specifications=_tags(build.name),
            user_data=Fn.base64(user_data),
        ),
    )


def _root_volume(build: Build, root: str) -> Template.BlockDeviceMappingProperty:
    return Template.BlockDeviceMappingProperty(
        device_name=root,
        ebs=Template.EbsProperty(
            volume_type="gp3",
            volume_size=-(-build.root_volume_bytes // GIB),
            encrypted=True,
            delete_on_termination=True,
            kms_key_id=build.existing.key,
        ),
    )


def _interface(nic: Nic, *, group_ids: Sequence[str], subnet_id: str | None) -> Template.NetworkInterfaceProperty:
    return Template.NetworkInterfaceProperty(
        network_card_index=nic.card,
        device_index=nic.device,
        interface_type=nic.kind,
        groups=list(group_ids),
        subnet_id=subnet_id,
        delete_on_termination=True,
    )


def _placement(group: str | None) -> Template.PlacementProperty | None:
    return None if group is None else Template.PlacementProperty(group_name=group)


def _market(capacity: Capacity) -> Template.InstanceMarketOptionsProperty | None:
    if capacity.market is None:
        return None
    if capacity.market != "spot":
        return Template.InstanceMarketOptionsProperty(market_type=capacity.market)
    return Template.InstanceMarketOptionsProperty(
        market_type=capacity.market,
        spot_options=Template.SpotOptionsProperty(
            spot_instance_type="one-time", instance_interruption_behavior="terminate"
        ),
    )


def _reservation(capacity: Capacity) -> Template.CapacityReservationSpecificationProperty | None:
    target = None
    if capacity.reservation_id or capacity.group_arn:
        target = Template.CapacityReservationTargetProperty(
            capacity_reservation_id=capacity.reservation_id,
            capacity_reservation_resource_group_arn=capacity.group_arn,
        )
    elif capacity.preference is None:
        return None
    return Template.CapacityReservationSpecificationProperty(
        capacity_reservation_preference=capacity.preference, capacity_reservation_target=target
    )


def _tags(name: str) -> list[Template.TagSpecificationProperty]:
    tags = [CfnTag(key=key, value=value) for key, value in node_tags(name).items()]
    return [Template.TagSpecificationProperty(resource_type=kind, tags=tags) for kind in ("instance", "volume")]
