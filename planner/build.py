"""What does the chosen candidate ask of the stack?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from planner.built import Existing, FileSystem, Image
from planner.errors import NoFeasiblePlan
from planner.fleet_record import FleetPlan
from planner.image import image_parameter, own_image
from planner.plan import Build, Candidate, Target
from planner.served import fleet_of
from planner.sliced import mig_of
from planner.workload import Provision, Workload
from pricing.instance_type import InstanceType
from pricing.offer import Purchase
from pricing.reservation import Held
from pricing.units import show_duration

# EC2 takes a block's instances 30 minutes before its end, an UltraServer's 60 (EC2 User Guide, Capacity Blocks); the
# stack is asked to go five minutes before that, so that nodes end in order.
CUT = timedelta(minutes=35)
ULTRASERVER_CUT = timedelta(minutes=65)
ULTRASERVERS = ("p6e-", "trn2u.")


def build_of(
    workload: Workload,
    candidate: Candidate,
    machine: InstanceType,
    now: datetime,
    *,
    weights_bytes: int,
    planned: FleetPlan | None = None,
    held: Held | None = None,
) -> Build:
    """The build of a candidate on `machine`s. The time to live counts from `now` (UTC).

    `planned` is how the fleet of a served model follows its load, `held` the reservation by EC2's word, None where it
    was not asked.

    Raises NoFeasiblePlan where the target, or a cut of the accelerators, cannot carry the candidate, and where the
    reservation is over.
    """
    provision = workload.provision
    clustered = Target.EFA_CLUSTER if candidate.nodes > 1 else Target.SINGLE_INSTANCE
    target = provision.target or clustered
    serves = target is Target.SERVING_FLEET
    ends_at = block_end(held)
    expires_at = expiry(provision, machine.name, now, ends_at)
    _begins_before(expires_at, _end(provision, ends_at), now)
    return Build(
        name=workload.name,
        target=target,
        instance_type=machine.name,
        vendor=machine.accelerator.vendor,
        accelerators=machine.accelerators,
        nvme_bytes=machine.nvme_bytes,
        efa_cards=machine.efa_cards,
        nic_slots=machine.nic_slots,
        nodes=candidate.nodes,
        region=candidate.region,
        zone_id=candidate.zone_ids[0],
        purchase=candidate.purchase,
        reservation_id=provision.reservation,
        image=_image(workload, machine),
        root_volume_bytes=provision.storage.root_volume,
        lifecycle=provision.storage.lifecycle,
        expires_at=expires_at,
        budget_usd=provision.budget,
        budget_email=provision.budget_email,
        file_system=_file_system(workload),
        fleet=fleet_of(workload, candidate, machine, weights_bytes=weights_bytes, planned=planned) if serves else None,
        split=candidate.split is not None,
        mig=mig_of(workload, candidate, machine),
        training_plan_arn=provision.training_plan,
        account=provision.account,
        cidr=provision.cidr,
        existing=Existing(**provision.existing.model_dump()),
        block_ends_at=ends_at,
    )


def _file_system(workload: Workload) -> FileSystem | None:
    asked = workload.provision.storage.file_system
    if asked is None:
        return None
    return FileSystem(capacity_gib=asked.capacity, mb_per_s_per_tib=asked.throughput, data=asked.data, efa=asked.efa)


def block_end(held: Held | None) -> datetime | None:
    """When the Capacity Block ends by EC2's word; None where it was not asked, and for what is no block."""
    return held.reservation.ends_at if held and held.reservation.is_block else None


def expiry(
    provision: Provision, instance_type: str, since: datetime, block_ends_at: datetime | None
) -> datetime | None:
    """When the stack deletes itself: at the end of its time to live, and before EC2 ends its block; None for never."""
    ends = []
    if provision.time_to_live:
        ends.append(since + timedelta(seconds=provision.time_to_live))
    if usable := usable_until(provision, instance_type, block_ends_at):
        ends.append(usable)
    return min(ends, default=None)


def usable_until(provision: Provision, instance_type: str, block_ends_at: datetime | None) -> datetime | None:
    """Until when (UTC) nodes may stand in the capacity block; None where its end is not told."""
    ultra = instance_type.startswith(ULTRASERVERS)
    end = _end(provision, block_ends_at)
    return end - (ULTRASERVER_CUT if ultra else CUT) if end else None


def image_fault(build: Build) -> str | None:
    """Why no node of a build can boot: its type has no public image, and the workload names none; None where it can."""
    needs = own_image(build.instance_type)
    hosted = build.target in (Target.HYPERPOD_SLURM, Target.EKS_NODES)
    if hosted or build.image.id or build.image.parameter or needs is None:
        return None
    return (
        f"{build.instance_type} boots no public image: name one in provision.image that has {needs}, or leave the type "
        "out in limits.instance_types.deny"
    )


def end_warnings(provision: Provision, candidate: Candidate, held: Held | None, now: datetime) -> tuple[str, ...]:
    """Sentences on a capacity block that a run beginning `now` may outlast, or of which no end is known."""
    if candidate.purchase is not Purchase.CAPACITY_BLOCK:
        return ()
    return tuple(_of_the_block(provision, candidate, held, now))


def _of_the_block(provision: Provision, candidate: Candidate, held: Held | None, now: datetime) -> Iterator[str]:
    until, run = usable_until(provision, candidate.instance_type, block_end(held)), candidate.run
    if held and held.reservation.starts_at > now:
        yield (
            f"The capacity block begins at {held.reservation.starts_at:%Y-%m-%d %H:%M} UTC: deploy after that, for "
            "before it no node starts."
        )
    if until is None and provision.reservation_id:
        yield (
            "Nothing ends the stack before EC2 takes the nodes of the capacity block, whose end is not known: name "
            "provision.reservation_end, or plan with --live."
        )
    elif run and until and now + timedelta(seconds=run.latest_s) > until:
        yield (
            f"The capacity block can be used until {until:%Y-%m-%d %H:%M} UTC, when the stack deletes itself; the run "
            f"may take {show_duration(run.latest_s)} from now. Buy a longer block, or more nodes."
        )


def _end(provision: Provision, block_ends_at: datetime | None) -> datetime | None:
    """When the block ends by the user's word and EC2's, the earlier where they differ."""
    told = provision.reservation_end
    return min(filter(None, (told.astimezone(UTC) if told else None, block_ends_at)), default=None)


def _begins_before(expires_at: datetime | None, block_ends_at: datetime | None, now: datetime) -> None:
    """Raises NoFeasiblePlan where a stack that begins `now` would be over already: only a block's end can be past."""
    if expires_at and expires_at <= now and block_ends_at:
        raise NoFeasiblePlan(
            f"The capacity block ends at {block_ends_at:%Y-%m-%d %H:%M} UTC (provision.reservation_end), so that the "
            f"stack would go at {expires_at:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC. Name a block that "
            "lasts longer, with its end."
        )


def _image(workload: Workload, machine: InstanceType) -> Image:
    """The user's own image, or the public parameter of the type; one's id is never kept for the other.

    EKS chooses for its nodes, by the version of its cluster.
    """
    if workload.provision.target is Target.EKS_NODES:
        return Image(parameter=None, id=None)
    if workload.provision.image:
        return Image(parameter=None, id=workload.provision.image)
    return Image(parameter=image_parameter(machine), id=None)
