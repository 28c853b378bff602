"""Are the bundled facts at one with what EC2 says of itself, known quirks aside?

EC2's answers are those that moto carries: DescribeInstanceTypes and DescribeInstanceTypeOfferings.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import moto
import pytest
import yaml

from pricing.bundle_prices import offerings
from pricing.catalog import DATA, load_instance_types
from pricing.units import GBPS, GIGA, MIB
from tests.support.ec2_records import EC2

# EC2's own record is wrong or silent about these.
API_MEMORY_IS_WRONG = {"Trainium2"}
API_NAMES_NO_ACCELERATOR = {"trn2u.48xlarge"}
API_DOES_NOT_DESCRIBE = {"p6e-gb200.36xlarge"}
MOTO_RESOURCES = Path(moto.__file__).parent / "ec2" / "resources"


def unzipped(path: Path) -> Any:
    """What a compressed JSON file of moto says."""
    return json.loads(gzip.decompress(path.read_bytes()))


KNOWN_TO_EC2 = sorted(set(load_instance_types()) & set(EC2))
LINES = {
    name: (line, file)
    for file in (yaml.load(path.read_text(), yaml.CSafeLoader) for path in (DATA / "accelerators").glob("*.yaml"))
    for family in file.get("instance_types", ())
    for name, line in family["sizes"].items()
}
"""The line of each instance type in the bundle and the file that it stands in, as plain YAML."""


def devices_in_ec2(name: str) -> dict[str, Any]:
    """The one group of accelerators in EC2's record of a type."""
    record = EC2[name]
    groups = (
        record.get("GpuInfo", {}).get("Gpus")
        or record.get("NeuronInfo", {}).get("NeuronDevices")
        or record["InferenceAcceleratorInfo"]["Accelerators"]
    )
    (group,) = groups
    return dict(group)


def test_only_known_types_are_missing_from_ec2_s_record() -> None:
    """What EC2 does not describe is retired or known to be left out there."""
    missing = {name for name in load_instance_types() if name not in EC2}
    retired = {name for name, each in load_instance_types().items() if each.retired}
    assert missing == retired | API_DOES_NOT_DESCRIBE


def test_no_accelerated_type_of_ec2_is_missing_here() -> None:
    """Every type that EC2 describes with a GPU, a Neuron or an inference device is in the catalog."""
    kinds = {"GpuInfo", "NeuronInfo", "InferenceAcceleratorInfo"}
    assert {name for name, record in EC2.items() if kinds & record.keys()} <= set(load_instance_types())


@pytest.mark.parametrize("name", KNOWN_TO_EC2)
def test_host_facts_agree_with_ec2(name: str) -> None:
    """vCPUs, memory, NVMe, EBS, architecture and usage classes are EC2's."""
    line, _ = LINES[name]
    each, record = load_instance_types()[name], EC2[name]
    ebs = record["EbsInfo"]["EbsOptimizedInfo"]
    assert each.vcpus == record["VCpuInfo"]["DefaultVCpus"]
    assert each.host_memory_bytes == record["MemoryInfo"]["SizeInMiB"] * MIB
    assert each.nvme_bytes == record.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0) * GIGA
    assert line["ebs_gbps"] == ebs["MaximumBandwidthInMbps"] / 1000
    assert each.ebs_bytes_per_s == pytest.approx(ebs["BaselineBandwidthInMbps"] * GBPS / 1000)
    assert each.architecture in record["ProcessorInfo"]["SupportedArchitectures"]
    assert each.usage_classes == set(record["SupportedUsageClasses"])


@pytest.mark.parametrize("name", sorted(set(KNOWN_TO_EC2) - API_NAMES_NO_ACCELERATOR))
def test_accelerators_agree_with_ec2(name: str) -> None:
    """Number, share and API memory of accelerators are EC2's, and the budget never exceeds that memory."""
    _, file = LINES[name]
    each, devices = load_instance_types()[name], devices_in_ec2(name)
    api_mib = devices["MemoryInfo"]["SizeInMiB"]
    assert each.accelerators == (devices["Count"] or devices["LogicalGpuCount"])
    assert each.accelerator_share == devices.get("GpuPartitionSize", 1.0)
    if each.accelerator.name in API_MEMORY_IS_WRONG:
        assert file["memory"]["mib_api_wrong"] == api_mib
    else:
        assert int(file["memory"]["mib_api"] * each.accelerator_share) == api_mib
        assert each.device_memory_bytes * each.accelerator.ranks <= api_mib * MIB


@pytest.mark.parametrize("name", KNOWN_TO_EC2)
def test_network_agrees_with_ec2(name: str) -> None:
    """Cards, slots and EFA cards are EC2's; the rate is the named one, or the baseline of a burst."""
    line, _ = LINES[name]
    each, network = load_instance_types()[name], EC2[name]["NetworkInfo"]
    cards = network["NetworkCards"]
    efa_cards = [card["NetworkCardIndex"] for card in cards if "efa" in card.get("InterfaceTypes", ())]
    assert each.nic_slots == tuple(card["MaximumNetworkInterfaces"] for card in cards)
    assert each.efa_cards == tuple(efa_cards)
    assert len(efa_cards) == network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0)
    named = re.fullmatch(r"(Up to )?(?:(\d+)x )?([\d.]+) Gigabit", network["NetworkPerformance"])
    assert named is not None
    gbps = int(named[2] or 1) * float(named[3])
    assert line["network_gbps"] == gbps
    baseline = sum(card["BaselineBandwidthInGbps"] for card in cards)
    # Without a burst the cards do not always add up (g6e, p6, trn2.3xlarge): the named rate holds.
    assert each.network_bytes_per_s == pytest.approx((baseline if named[1] else gbps) * GBPS)


def test_offerings_agree_with_ec2() -> None:
    """Each zone that EC2 lists for a known type is in the bundle, and no other."""
    listed: dict[tuple[str, str], set[str]] = {}
    for path in (MOTO_RESOURCES / "instance_type_offerings" / "availability-zone-id").iterdir():
        for row in unzipped(path):
            if row["InstanceType"] in load_instance_types():
                listed.setdefault((row["InstanceType"], path.name.split(".")[0]), set()).add(row["Location"])
    assert {key: set(zones) for key, zones in offerings().items()} == listed
