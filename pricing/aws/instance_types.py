"""What does EC2 say of its accelerated instance types? (EC2 DescribeInstanceTypes)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from pricing.aws.pages import pages
from pricing.aws.session import asked, client

ACTION = "ec2:DescribeInstanceTypes"
# The API's largest page (botocore's model).
PAGE = 100
# Families with accelerators. EC2 filters by no accelerator, and answers ten pages where it is not filtered; by
# name, UltraServers' instances come too, whose records name no accelerator.
FAMILIES = ("dl*", "g*", "inf*", "p*", "trn*")
_DEVICES = (("GpuInfo", "Gpus"), ("NeuronInfo", "NeuronDevices"), ("InferenceAcceleratorInfo", "Accelerators"))


class Devices(Struct, frozen=True, kw_only=True):
    """Accelerators of one kind. `count` is 0 where the type has `logical_count` slices of `share` of one.

    `memory_mib` is of one device, or of one slice. `fields` are the parts of the record that describe them.
    """

    name: str
    count: int
    logical_count: int
    share: float
    memory_mib: int
    fields: tuple[str, ...]


class Card(Struct, frozen=True, kw_only=True):
    """A network card: how many interfaces it takes, whether one may be EFA's, and Gbit/s without a burst."""

    index: int
    slots: int
    efa: bool
    baseline_gbps: float


class Ec2Type(Struct, frozen=True, kw_only=True):
    """EC2's record of an instance type, in its own units, as far as Berth keeps the same facts.

    `devices` is None where the record names none. `network` is EC2's phrase: `Up to 10 Gigabit`, `4x 100 Gigabit`.
    """

    name: str
    vcpus: int
    memory_mib: int
    architectures: frozenset[str]
    usage_classes: frozenset[str]
    nvme_gb: int
    network: str
    cards: tuple[Card, ...]
    efa_interfaces: int
    ebs_baseline_mbps: int
    devices: Devices | None


def describe_types(region: str) -> tuple[Ec2Type, ...]:
    """Every type of an accelerated family that a region offers, by name.

    Retired types and those of other regions are not described. Raises MarketError without credentials,
    permission (`ec2:DescribeInstanceTypes`), network or a region that the account has enabled.
    """
    with asked(ACTION, region):
        answers = pages(
            client("ec2", region).describe_instance_types,
            Filters=[{"Name": "instance-type", "Values": list(FAMILIES)}],
            MaxResults=PAGE,
        )
    return read_types(each for page in answers for each in page.get("InstanceTypes", ()))


def read_types(records: Iterable[Mapping[str, Any]]) -> tuple[Ec2Type, ...]:
    """The types in `InstanceTypes`, by name. Raises KeyError for a record without vCPUs, memory or network."""
    return tuple(sorted((_type(each) for each in records), key=lambda each: each.name))


def _type(record: Mapping[str, Any]) -> Ec2Type:
    network = record["NetworkInfo"]
    return Ec2Type(
        name=record["InstanceType"],
        vcpus=record["VCpuInfo"]["DefaultVCpus"],
        memory_mib=record["MemoryInfo"]["SizeInMiB"],
        architectures=frozenset(record.get("ProcessorInfo", {}).get("SupportedArchitectures", ())),
        usage_classes=frozenset(record.get("SupportedUsageClasses", ())),
        nvme_gb=record.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        network=network.get("NetworkPerformance", ""),
        cards=tuple(_card(each) for each in network.get("NetworkCards", ())),
        efa_interfaces=network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
        ebs_baseline_mbps=record.get("EbsInfo", {}).get("EbsOptimizedInfo", {}).get("BaselineBandwidthInMbps", 0),
        devices=_devices(record),
    )


def _card(card: Mapping[str, Any]) -> Card:
    return Card(
        index=card["NetworkCardIndex"],
        slots=card["MaximumNetworkInterfaces"],
        efa="efa" in card.get("InterfaceTypes", ()),
        baseline_gbps=card.get("BaselineBandwidthInGbps", 0.0),
    )


def _devices(record: Mapping[str, Any]) -> Devices | None:
    """The accelerators; Inferentia stands in two fields, which describe the same chips."""
    groups = [(field, group) for field, key in _DEVICES for group in record.get(field, {}).get(key, ())]
    if not groups:
        return None
    _, group = groups[0]
    return Devices(
        name=group.get("Name", ""),
        count=group.get("Count", 0),
        logical_count=group.get("LogicalGpuCount", group.get("Count", 0)),
        share=group.get("GpuPartitionSize", 1.0),
        memory_mib=group.get("MemoryInfo", {}).get("SizeInMiB", 0),
        fields=tuple(field for field, _ in groups),
    )
