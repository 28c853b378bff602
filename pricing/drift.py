"""Where do the bundled hardware facts and EC2's own record part, and where is it EC2 that is known to be wrong?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from math import isclose

from msgspec import Struct

from pricing.aws.instance_types import Devices, Ec2Type
from pricing.instance_type import Accelerator, InstanceType
from pricing.units import GBPS, GIGA, KILO, MIB, show_gib

# nvidia-smi shows up to 6.3 % less than EC2 says (T4: 15,360 of 16,384 MiB), and the bundle budgets the less.
_UNDER_API = 0.93
# What EC2 calls the accelerators, where it describes them (moto 5.2.5 as of 2026-10-27).
_EC2_NAMES = {
    "A100-40GB": "A100",
    "A100-80GB": "A100",
    "A10G": "A10G",
    "AI100": "Qualcomm AI100",
    "B200": "B200",
    "B300": "B300",
    "H100-80GB": "H100",
    "H200": "H200",
    "Inferentia1": "Inferentia",
    "Inferentia2": "Inferentia2",
    "L4": "L4",
    "L40S": "L40S",
    "RTXPRO4500": "RTX PRO 4500",
    "RTXPRO6000": "RTX PRO Server 6000",
    "T4": "T4",
    "T4G": "T4g",
    "Trainium1": "Trainium",
    "Trainium2": "Trainium2",
    "V100-16GB": "V100",
    "V100-32GB": "V100",
}
# Answers of EC2 that are known and not believed, by accelerator: Trainium2 has 96 GiB a chip by every document, and
# an A10G was 24,576 MiB in some answers and 22,888 in others (aws-cli issue 8970).
_MEMORY_QUIRKS_MIB = {"Trainium2": {524288}, "A10G": {24576}}
# p5en was once called by its vendor's name (skypilot issue 4652).
_NAME_QUIRKS = {"NVIDIA"}
_UNDESCRIBED_ACCELERATORS = {"trn2u"}
_UNDESCRIBED_TYPES = {"p6e-gb200.36xlarge"}
_NETWORK = re.compile(r"(Up to )?(?:(\d+)x )?([\d.]+) Gigabit")


class Comparison(Struct, frozen=True, kw_only=True):
    """Sentences on where bundle and EC2 differ: `drift` to look into, `quirks` of EC2's record, which are known."""

    drift: tuple[str, ...]
    quirks: tuple[str, ...]


class _Finding(Struct, frozen=True):
    text: str
    is_quirk: bool = False


def compare(types: Mapping[str, InstanceType], records: Iterable[Ec2Type], sold: Collection[str] = ()) -> Comparison:
    """Bundled instance types against EC2's records of a region; `sold` are those that it is known to sell.

    A type that EC2 does not describe is drift only where it is sold: EC2 describes what a region offers.
    """
    described = {each.name: each for each in records}
    findings: list[_Finding] = []
    for name in sorted(described | dict.fromkeys(sold)):
        if name not in described:
            findings.append(_Finding(f"{name} is sold, and EC2 does not describe it.", name in _UNDESCRIBED_TYPES))
        elif name in types:
            findings += _differences(types[name], described[name])
        elif described[name].devices:
            findings.append(_Finding(f"{name} is described by EC2 and missing from the bundle."))
    return Comparison(
        drift=tuple(each.text for each in findings if not each.is_quirk),
        quirks=tuple(each.text for each in findings if each.is_quirk),
    )


def _differences(ours: InstanceType, theirs: Ec2Type) -> Iterator[_Finding]:
    if ours.retired:
        yield _Finding(f"{ours.name} is marked as retired, and EC2 describes it.")
    yield from _host(ours, theirs)
    yield from _network(ours, theirs)
    if theirs.devices is None:
        text = f"{ours.name}: EC2 names no accelerators, the bundle {ours.accelerators} x {ours.accelerator.name}."
        yield _Finding(text, ours.family in _UNDESCRIBED_ACCELERATORS)
    else:
        yield from _accelerators(ours, theirs.devices)


def _host(ours: InstanceType, theirs: Ec2Type) -> Iterator[_Finding]:
    ebs = None if ours.ebs_bytes_per_s is None else ours.ebs_bytes_per_s / GBPS
    figures = {
        "vCPUs": (theirs.vcpus, ours.vcpus),
        "host memory in MiB": (theirs.memory_mib, ours.host_memory_bytes / MIB),
        "NVMe in GB": (theirs.nvme_gb, ours.nvme_bytes / GIGA),
        "EBS Gbit/s without a burst": (theirs.ebs_baseline_mbps / KILO, ebs),
    }
    for what, (ec2, bundle) in figures.items():
        if bundle is not None and not isclose(ec2, bundle, rel_tol=1e-6):
            yield _Finding(_sentence(ours, what, ec2, bundle))
    if ours.architecture not in theirs.architectures:
        yield _Finding(_sentence(ours, "architecture", _words(theirs.architectures), ours.architecture))
    if ours.usage_classes != theirs.usage_classes:
        yield _Finding(_sentence(ours, "usage classes", _words(theirs.usage_classes), _words(ours.usage_classes)))


def _network(ours: InstanceType, theirs: Ec2Type) -> Iterator[_Finding]:
    slots = tuple(each.slots for each in theirs.cards)
    efa = tuple(each.index for each in theirs.cards if each.efa)
    if ours.nic_slots != slots:
        yield _Finding(_sentence(ours, "interfaces by network card", slots, ours.nic_slots))
    if ours.efa_cards != efa:
        yield _Finding(_sentence(ours, "network cards for EFA", efa, ours.efa_cards))
    if theirs.efa_interfaces != len(efa):
        yield _Finding(_sentence(ours, "EFA interfaces", theirs.efa_interfaces, f"one on each of {len(efa)} cards"))
    phrase = _NETWORK.fullmatch(theirs.network)
    if phrase is None:
        yield _Finding(f"{ours.name}: EC2's network performance {theirs.network!r} is no rate.")
        return
    named, cards = int(phrase[2] or 1) * float(phrase[3]), sum(each.baseline_gbps for each in theirs.cards)
    # Of a burst the cards tell what holds; without one the named rate does, and some cards do not add up to it.
    rate = cards if phrase[1] else named
    if ours.network_bytes_per_s is not None and not isclose(rate, ours.network_bytes_per_s / GBPS, rel_tol=1e-6):
        yield _Finding(_sentence(ours, "network in Gbit/s", rate, ours.network_bytes_per_s / GBPS))
    if not (phrase[1] or isclose(cards, named)):
        text = f"{ours.name}: EC2's network cards add up to {cards:g} Gbit/s; {theirs.network} is used."
        yield _Finding(text, is_quirk=True)


def _accelerators(ours: InstanceType, theirs: Devices) -> Iterator[_Finding]:
    chip = ours.accelerator
    if (count := theirs.count or theirs.logical_count) != ours.accelerators:
        yield _Finding(_sentence(ours, "accelerators", count, ours.accelerators))
    if not isclose(theirs.share, ours.accelerator_share):
        yield _Finding(_sentence(ours, "share of an accelerator", theirs.share, ours.accelerator_share))
    if theirs.count == 0:
        text = f"{ours.name}: EC2 counts 0 accelerators, of which it has {theirs.share:g}; {ours.accelerators} is used."
        yield _Finding(text, is_quirk=True)
    if len(theirs.fields) > 1:
        text = f"{ours.name}: EC2 describes its accelerators twice, as {_words(theirs.fields)}; they count once."
        yield _Finding(text, is_quirk=True)
    expected = _EC2_NAMES.get(chip.name, theirs.name)
    if theirs.name != expected:
        yield _Finding(_sentence(ours, "accelerator", theirs.name, expected), theirs.name in _NAME_QUIRKS)
    if finding := _memory(ours, chip, theirs):
        yield finding


def _memory(ours: InstanceType, chip: Accelerator, theirs: Devices) -> _Finding | None:
    """The bundle budgets the smallest figure known, and must neither exceed EC2's nor lie far below it."""
    ec2, bundle = theirs.memory_mib * MIB, int(chip.memory_bytes * ours.accelerator_share)
    if theirs.memory_mib in _MEMORY_QUIRKS_MIB.get(chip.name, ()):
        text = f"{ours.name}: EC2 says {show_gib(ec2)} per accelerator, which is wrong; {show_gib(bundle)} is used."
        return _Finding(text, is_quirk=True)
    if _UNDER_API * ec2 <= bundle <= ec2:
        return None
    return _Finding(_sentence(ours, "memory per accelerator", show_gib(ec2), show_gib(bundle)))


def _sentence(ours: InstanceType, what: str, ec2: object, bundle: object) -> str:
    return f"{ours.name}, {what}: EC2 says {_shown(ec2)}, the bundle {_shown(bundle)}."


def _shown(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else str(value) or "nothing"


def _words(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))
