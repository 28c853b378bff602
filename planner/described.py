"""Which machine stands for accelerators that a measured run or a pinned configuration names?

Facts of an instance type that AWS sells with as many of them where there is one; else a node of a cluster that was
measured, or a machine of these accelerators alone, whose network nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from planner.errors import PlannerError
from pricing.catalog import load_accelerators, load_instance_types
from pricing.errors import CatalogError
from pricing.instance_type import Accelerator, InstanceType, Link, LinkKind
from pricing.slices import Slice, find_slice, is_slice
from pricing.units import GIGA, TERA, parse_bytes
from pricing.wording import close_match

# What an accelerator that a file describes may say.
_KEYS = ("name", "vendor", "memory", "memory_gb_per_s", "tflop_per_s", "link_gb_per_s", "ranks")
# As measured files write some names.
_ALSO = {"RTX A6000": "RTXA6000", "H100-PCIE": "H100-PCIe", "RTX 5090": "RTX5090", "RTX 4090": "RTX4090"}


def accelerator_called(name: str) -> Accelerator:
    """The accelerator of that name, or the slice of one. Raises PlannerError, with the closest names, for others."""
    if is_slice(name):
        return slice_called(name).device
    known = load_accelerators()
    found = known.get(name) or known.get(_ALSO.get(name, name))
    if found is None:
        raise PlannerError([f"{name} is not a known accelerator{close_match(name, known)}"])
    return found


def slice_called(name: str) -> Slice:
    """The part of an accelerator of that name. Raises PlannerError, with what there is, where there is no such part."""
    try:
        return find_slice(name)
    except CatalogError as error:
        raise PlannerError(error.findings) from None


def described_accelerator(given: Mapping[str, Any]) -> Accelerator:
    """An accelerator from a file's own words: name, memory ("24 GiB"), and rates where they are known.

    Raises PlannerError with everything that is wrong.
    """
    findings = [f"accelerator.{key} is not a key; keys are {', '.join(_KEYS)}" for key in given if key not in _KEYS]
    findings += [f"accelerator.{key} is missing" for key in ("name", "memory") if not given.get(key)]
    rates = given.get("tflop_per_s") or {}
    numbers = {"memory_gb_per_s": given.get("memory_gb_per_s"), "link_gb_per_s": given.get("link_gb_per_s")}
    numbers |= {f"tflop_per_s.{name}": rate for name, rate in dict(rates).items()}
    findings += [
        f"accelerator.{key} is {value!r}: should be a number above zero"
        for key, value in numbers.items()
        if value is not None and not (isinstance(value, int | float) and value > 0)
    ]
    memory = 0
    try:
        memory = parse_bytes(str(given.get("memory") or "1 GiB"))
    except ValueError as error:
        findings.append(f"accelerator.memory: {error}")
    if findings:
        raise PlannerError(findings)
    bandwidth, link = numbers["memory_gb_per_s"], numbers["link_gb_per_s"]
    return Accelerator(
        name=str(given["name"]),
        vendor=str(given.get("vendor", "NVIDIA")),
        memory_bytes=memory,
        memory_bytes_per_s=bandwidth * GIGA if bandwidth else None,
        flop_per_s={name: rate * TERA for name, rate in dict(rates).items()},
        ranks=int(given.get("ranks", 1)),
        link=Link(kind=LinkKind.PCIE, bytes_per_s=link * GIGA) if link else None,
        tdp_w=None,
        mig_slices=1,
        sources={},
    )


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
