"""What does the chosen candidate ask of the stack?"""

from __future__ import annotations

from datetime import datetime, timedelta

from planner.image import image_parameter
from planner.plan import Build, Candidate, Image, Target
from planner.workload import Workload
from pricing.instance_type import InstanceType


def build_of(workload: Workload, candidate: Candidate, machine: InstanceType, now: datetime) -> Build:
    """The build of a candidate on `machine`s. The time to live counts from `now` (UTC)."""
    provision = workload.provision
    clustered = Target.EFA_CLUSTER if candidate.nodes > 1 else Target.SINGLE_INSTANCE
    live = provision.time_to_live
    return Build(
        name=workload.name,
        target=provision.target or clustered,
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
        expires_at=now + timedelta(seconds=live) if live else None,
        budget_usd=provision.budget,
        budget_email=provision.budget_email,
    )


def _image(workload: Workload, machine: InstanceType) -> Image:
    """The user's own image, or the public parameter of the type; one's id is never kept for the other."""
    if workload.provision.image:
        return Image(parameter=None, id=workload.provision.image)
    return Image(parameter=image_parameter(machine), id=None)
