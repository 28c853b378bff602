"""How are the nodes' accelerators cut by MIG, and does the chosen candidate fit a part?"""

from __future__ import annotations

from collections.abc import Mapping

from planner.built import Mig
from planner.errors import NoFeasiblePlan
from planner.plan import Candidate
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.slices import cut_machine, find_slice
from pricing.units import show_gib


def as_cut(workload: Workload, machines: Mapping[str, InstanceType]) -> Mapping[str, InstanceType]:
    """The instance types as a served model finds them: with provision.mig those that can be cut are, so that each part
    holds a replica."""
    profile = workload.provision.mig
    if profile is None or workload.inference is None:
        return machines
    return {name: cut_machine(machine, profile) or machine for name, machine in machines.items()}


def mig_of(workload: Workload, candidate: Candidate, machine: InstanceType) -> Mig | None:
    """The cut that the workload asks for; None where it asks for none.

    Raises CatalogError where the accelerator has no such profile, NoFeasiblePlan where the candidate does not fit it:
    a part is a device of its own, and has no link to the others.
    """
    profile = workload.provision.mig
    if profile is None:
        return None
    part = find_slice(f"{machine.accelerator.name}/{profile}")
    need, have = candidate.memory.total_bytes, part.device.memory_bytes
    if candidate.layout.devices > 1:
        raise NoFeasiblePlan(
            f"The plan takes {candidate.layout.devices} devices together, and MIG instances such as {profile} have no "
            "link to each other. Leave provision.mig out."
        )
    if need > have:
        raise NoFeasiblePlan(
            f"The plan needs {show_gib(need)} on a device, and {profile} of {machine.accelerator.name} has "
            f"{show_gib(have)}. Name a larger profile in provision.mig, or leave it out."
        )
    return Mig(profile=profile, instances=part.instances)
