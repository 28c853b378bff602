"""Which machine stands for accelerators that a measured run or a pinned configuration names?

Facts of an instance type that AWS sells with as many of them where there is one; else a node of a cluster that was
measured, or a machine of these accelerators alone, whose network nobody knows.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from planner.errors import PlannerError
from pricing.catalog import load_accelerators, load_instance_types
from pricing.errors import CatalogError
from pricing.instance_type import Accelerator, InstanceType
from pricing.slices import Slice, find_slice, is_slice
from pricing.units import GIGA
from pricing.wording import close_match

# Measured files write names with spaces or dashes, in small letters or capitals.
_JOINTS = str.maketrans("", "", " -_")


def accelerator_called(name: str) -> Accelerator:
    """The accelerator of that name, or the slice of one; case, spaces and dashes do not matter.

    Raises PlannerError, with the closest names, for others.
    """
    if is_slice(name):
        return slice_called(name).device
    known = load_accelerators()
    found = known.get(name) or _plainly_named().get(_plain(name))
    if found is None:
        says = f"{name} is not a known accelerator{close_match(name, known)}" if name else "no accelerator is named"
        raise PlannerError([says])
    return found


def _plain(name: str) -> str:
    return name.lower().translate(_JOINTS)


@cache
def _plainly_named() -> dict[str, Accelerator]:
    return {_plain(name): chip for name, chip in load_accelerators().items()}


def slice_called(name: str) -> Slice:
    """The part of an accelerator of that name. Raises PlannerError, with what there is, where there is no such part."""
    try:
        return find_slice(name)
    except CatalogError as error:
        raise PlannerError(error.findings) from None


def machine_of(chip: Accelerator, accelerators: int) -> InstanceType:
    """An instance type with so many of the accelerators, the best connected; else a machine of them alone."""
    sold = [
        item
        for item in load_instance_types().values()
        if item.accelerator.name == chip.name and item.accelerators == accelerators and item.accelerator_share == 1.0
    ]
    if sold:
        return max(sold, key=lambda item: (item.network_bytes_per_s or 0.0, item.name))
    network = _cluster_network(chip.name, accelerators)
    return InstanceType(
        name=f"{accelerators} x {chip.name}",
        family="",
        accelerator=chip,
        accelerators=accelerators,
        accelerator_share=1.0,
        vcpus=0,
        host_memory_bytes=0,
        nvme_bytes=0,
        network_bytes_per_s=network,
        ebs_bytes_per_s=None,
        efa_cards=(),
        nic_slots=(1,) if network else (),
        gpudirect_rdma=True if network else None,
        link=chip.link if accelerators > 1 else None,
        architecture="",
        usage_classes=frozenset(),
        retired=False,
        sources={},
    )


@cache
def _clusters() -> dict[str, dict[str, float]]:
    text = files("planner").joinpath("data/measured/machines.yaml").read_text(encoding="utf-8")
    clusters: dict[str, dict[str, float]] = yaml.load(text, Loader=yaml.CSafeLoader)
    return clusters


def _cluster_network(name: str, accelerators: int) -> float | None:
    """Bytes/s of a node's network in clusters that were measured, where no EC2 type stands for their nodes."""
    known = _clusters().get(name, {})
    return known["network_gb_per_s"] * GIGA if known.get("accelerators") == accelerators else None
