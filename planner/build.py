"""What does the chosen candidate ask of the stack?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from planner.built import Existing, FileSystem
from planner.errors import NoFeasiblePlan
from planner.fleet_record import FleetPlan
from planner.image import image_parameter, own_image
from planner.plan import Build, Candidate, Image, Target
from planner.served import fleet_of
from planner.sliced import mig_of
from planner.workload import Provision, Workload
from pricing.instance_type import InstanceType
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
) -> Build:
    """The build of a candidate on `machine`s. The time to live counts from `now` (UTC).

    `planned` is how the fleet of a served model follows its load.

    Raises NoFeasiblePlan where the target, or a cut of the accelerators, cannot carry the candidate, and where the
    reservation is over.
    """
    provision = workload.provision
    clustered = Target.EFA_CLUSTER if candidate.nodes > 1 else Target.SINGLE_INSTANCE
    target = provision.target or clustered
    serves = target is Target.SERVING_FLEET
    expires_at = expiry(provision, machine.name, now)
    _begins_before(expires_at, provision, now)
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
    )


def _file_system(workload: Workload) -> FileSystem | None:
    asked = workload.provision.storage.file_system
    if asked is None:
        return None
    return FileSystem(capacity_gib=asked.capacity, mb_per_s_per_tib=asked.throughput, data=asked.data, efa=asked.efa)


def expiry(provision: Provision, instance_type: str, since: datetime) -> datetime | None:
    """When the stack deletes itself: at the end of its time to live, and before EC2 ends its block; None for never."""
    ends = []
    if provision.time_to_live:
        ends.append(since + timedelta(seconds=provision.time_to_live))
    if usable := usable_until(provision, instance_type):
        ends.append(usable)
    return min(ends, default=None)


def usable_until(provision: Provision, instance_type: str) -> datetime | None:
    """Until when (UTC) nodes may stand in the capacity block; None where its end is not told."""
    if provision.reservation_end is None:
        return None
    ultra = instance_type.startswith(ULTRASERVERS)
    return provision.reservation_end.astimezone(UTC) - (ULTRASERVER_CUT if ultra else CUT)


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


def image_warnings(build: Build) -> tuple[str, ...]:
    """What the nodes need before a stack can be made of the plan."""
    fault = image_fault(build)
    return (f"{fault}. Until then the plan stands, and no lock or stack is made of it.",) if fault else ()


def end_warnings(provision: Provision, candidate: Candidate, now: datetime) -> tuple[str, ...]:
    """A sentence where a run that begins `now` may outlast the capacity block."""
    until, run = usable_until(provision, candidate.instance_type), candidate.run
    if run is None or until is None or now + timedelta(seconds=run.latest_s) <= until:
        return ()
    return (
        f"The capacity block can be used until {until:%Y-%m-%d %H:%M} UTC, when the stack deletes itself; the run may "
        f"take {show_duration(run.latest_s)} from now. Buy a longer block, or more nodes.",
    )


def _begins_before(expires_at: datetime | None, provision: Provision, now: datetime) -> None:
    """Raises NoFeasiblePlan where a stack that begins `now` would be over already: only a block's end can be past."""
    if expires_at and expires_at <= now and provision.reservation_end:
        raise NoFeasiblePlan(
            f"provision.reservation_end is {provision.reservation_end.astimezone(UTC):%Y-%m-%d %H:%M} UTC, so that the "
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
