"""Is drift between the bundle and EC2 found, and told apart from what EC2 is known to say wrongly?"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from pricing.aws.instance_types import read_types
from pricing.catalog import load_instance_types
from pricing.drift import compare
from pricing.records import replace
from tests.support.ec2_records import EC2

Change = Callable[[dict[str, Any]], object]


def changed(name: str, change: Change) -> dict[str, Any]:
    """EC2's record of a type after a change."""
    record = deepcopy(EC2[name])
    change(record)
    return record


def test_ec2_s_records_show_quirks_only() -> None:
    """The bundle was made from these records, so that whatever differs is a quirk that is known."""
    comparison = compare(load_instance_types(), read_types(EC2.values()))
    assert comparison.drift == ()
    assert {text.split(":")[0].split(".")[0] for text in comparison.quirks} == {
        *("g6e", "g6f", "gr6f", "inf1", "inf2", "p6-b200", "p6-b300", "trn2", "trn2u"),
    }


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("p5.48xlarge", lambda r: r["VCpuInfo"].update(DefaultVCpus=96), "vCPUs: EC2 says 96, the bundle 192."),
        (
            "p5.48xlarge",
            lambda r: r["MemoryInfo"].update(SizeInMiB=1048576),
            "host memory in MiB: EC2 says 1048576, the bundle 2,097,152.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["InstanceStorageInfo"].update(TotalSizeInGB=0),
            "NVMe in GB: EC2 says 0, the bundle 30,400.",
        ),
        (
            "p5.48xlarge",
            lambda r: r.update(SupportedUsageClasses=["capacity-block"]),
            "usage classes: EC2 says capacity-block, the bundle capacity-block, on-demand, spot.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["ProcessorInfo"].update(SupportedArchitectures=["arm64"]),
            "architecture: EC2 says arm64, the bundle x86_64.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["EbsInfo"]["EbsOptimizedInfo"].update(BaselineBandwidthInMbps=40000),
            "EBS Gbit/s without a burst: EC2 says 40, the bundle 80.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["GpuInfo"]["Gpus"][0].update(Count=4),
            "accelerators: EC2 says 4, the bundle 8.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["GpuInfo"]["Gpus"][0].update(Name="H200"),
            "accelerator: EC2 says H200, the bundle H100.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["GpuInfo"]["Gpus"][0]["MemoryInfo"].update(SizeInMiB=40960),
            "memory per accelerator: EC2 says 40.0 GiB, the bundle 79.6 GiB.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["GpuInfo"]["Gpus"][0]["MemoryInfo"].update(SizeInMiB=98304),
            "memory per accelerator: EC2 says 96.0 GiB, the bundle 79.6 GiB.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["NetworkInfo"].update(NetworkPerformance="1600 Gigabit"),
            "network in Gbit/s: EC2 says 1,600, the bundle 3,200.",
        ),
        (
            "p5.48xlarge",
            lambda r: r["NetworkInfo"]["EfaInfo"].update(MaximumEfaInterfaces=16),
            "EFA interfaces: EC2 says 16, the bundle one on each of 32 cards.",
        ),
        (
            "g5.xlarge",
            lambda r: r["NetworkInfo"]["NetworkCards"][0].update(MaximumNetworkInterfaces=2),
            "interfaces by network card: EC2 says (2,), the bundle (4,).",
        ),
        (
            "g5.xlarge",
            lambda r: r["NetworkInfo"]["NetworkCards"][0].update(InterfaceTypes=["interface", "efa"]),
            "network cards for EFA: EC2 says (0,), the bundle ().",
        ),
        (
            "g5.xlarge",
            lambda r: r["NetworkInfo"]["NetworkCards"][0].update(BaselineBandwidthInGbps=5.0),
            "network in Gbit/s: EC2 says 5, the bundle 2.5.",
        ),
    ],
)
def test_drift_is_said_in_one_sentence(name: str, change: Change, sentence: str) -> None:
    """Each fact that parts from the bundle is named with both figures, in the same unit."""
    comparison = compare(load_instance_types(), read_types([changed(name, change)]))
    assert f"{name}, {sentence}" in comparison.drift


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("g5.xlarge", lambda r: r["GpuInfo"]["Gpus"][0]["MemoryInfo"].update(SizeInMiB=24576), "which is wrong"),
        ("p5en.48xlarge", lambda r: r["GpuInfo"]["Gpus"][0].update(Name="NVIDIA"), "EC2 says NVIDIA"),
        ("trn2.48xlarge", lambda r: None, "96.0 GiB is used"),
        ("p6-b300.48xlarge", lambda r: None, "add up to 6750 Gbit/s"),
        ("g6f.large", lambda r: None, "of which it has 0.125"),
        ("trn2u.48xlarge", lambda r: None, "names no accelerators"),
    ],
)
def test_known_quirks_are_no_drift(name: str, change: Change, words: str) -> None:
    """What EC2 is known to say wrongly is listed as such."""
    comparison = compare(load_instance_types(), read_types([changed(name, change)]))
    assert comparison.drift == ()
    assert any(words in text for text in comparison.quirks)


def test_a_quirk_does_not_hide_another_answer() -> None:
    """A new figure for Trainium2's memory is drift, though the old one is a quirk."""
    record = changed(
        "trn2.48xlarge", lambda r: r["NeuronInfo"]["NeuronDevices"][0]["MemoryInfo"].update(SizeInMiB=65536)
    )
    assert any("64.0 GiB" in text for text in compare(load_instance_types(), read_types([record])).drift)


def test_a_new_type_is_drift() -> None:
    """A type with accelerators that the bundle lacks is named; one without them is nobody's concern."""
    new = changed("p5.48xlarge", lambda r: r.update(InstanceType="p7.48xlarge"))
    plain = changed("m5.large", lambda r: r.update(InstanceType="gx.large"))
    comparison = compare(load_instance_types(), read_types([new, plain]))
    assert comparison.drift == ("p7.48xlarge is described by EC2 and missing from the bundle.",)


def test_a_retired_type_that_returns_is_drift() -> None:
    """EC2 describes what it sells, so a type marked as retired should not be described."""
    types = {"p5.48xlarge": replace(load_instance_types()["p5.48xlarge"], retired=True)}
    (text,) = compare(types, read_types([EC2["p5.48xlarge"]])).drift
    assert text == "p5.48xlarge is marked as retired, and EC2 describes it."


def test_a_type_that_is_sold_should_be_described() -> None:
    """Of the types sold in a region only p6e-gb200 is known not to be described; others may be sold elsewhere."""
    comparison = compare(load_instance_types(), (), sold={"p5.48xlarge", "p6e-gb200.36xlarge"})
    assert comparison.drift == ("p5.48xlarge is sold, and EC2 does not describe it.",)
    assert comparison.quirks == ("p6e-gb200.36xlarge is sold, and EC2 does not describe it.",)
    assert compare(load_instance_types(), ()).drift == ()
