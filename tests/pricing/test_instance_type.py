"""What does one device of an instance type have?"""

from __future__ import annotations

import pytest

from pricing.catalog import load_instance_types
from pricing.units import GIB, MIB


@pytest.mark.parametrize(
    ("name", "devices", "device_memory_bytes"),
    [
        ("p5.48xlarge", 8, 81_559 * MIB),
        ("p5.4xlarge", 1, 81_559 * MIB),
        ("g5.12xlarge", 4, 22_888 * MIB),
        ("g4dn.metal", 8, 15_360 * MIB),
        ("g6f.large", 1, 2_861 * MIB),
        ("g6f.4xlarge", 1, 11_444 * MIB),
        ("trn1.32xlarge", 32, 16 * GIB),
        ("trn2.48xlarge", 64, 24 * GIB),
        ("inf2.48xlarge", 24, 16 * GIB),
        ("inf1.24xlarge", 64, 2 * GIB),
        ("p6e-gb200.36xlarge", 4, 189_471 * MIB),
    ],
)
def test_devices_are_what_frameworks_count(name: str, devices: int, device_memory_bytes: int) -> None:
    """A GPU is one device, a Neuron chip as many as it shows cores, a fractional GPU one smaller device."""
    instance_type = load_instance_types()[name]
    assert (instance_type.devices, instance_type.device_memory_bytes) == (devices, device_memory_bytes)
    assert instance_type.total_memory_bytes == devices * device_memory_bytes


@pytest.mark.parametrize(
    ("name", "dtype", "flop_per_s"),
    [
        ("p5.48xlarge", "bf16", 989e12),
        ("g6f.large", "bf16", 121e12 / 8),
        ("trn1.32xlarge", "bf16", 95e12),
        ("trn2.48xlarge", "fp8", 1299e12 / 4),
        ("g4dn.xlarge", "bf16", None),
        ("p3.2xlarge", "bf16", None),
        ("p4d.24xlarge", "fp8", None),
        ("g7.48xlarge", "fp16", None),
    ],
)
def test_rates_are_per_device(name: str, dtype: str, flop_per_s: float | None) -> None:
    """A device has its share of the chip's dense peak; a dtype that no source rates is None, not a guess."""
    assert load_instance_types()[name].flop_per_s_per_device(dtype) == flop_per_s


@pytest.mark.parametrize(
    ("name", "bytes_per_s"),
    [("p5.48xlarge", 3350e9), ("g6f.2xlarge", 75e9), ("inf2.xlarge", 410e9), ("dl1.24xlarge", None)],
)
def test_memory_bandwidth_is_per_device(name: str, bytes_per_s: float | None) -> None:
    """A device has its share of the chip's memory bandwidth, None where no source states it."""
    assert load_instance_types()[name].memory_bytes_per_s_per_device == bytes_per_s


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("p5.48xlarge", "NVIDIA"),
        ("trn2.48xlarge", "AWS"),
        ("g4ad.xlarge", "AMD"),
        ("dl1.24xlarge", "Intel"),
    ],
)
def test_the_vendor_is_the_maker_of_the_chip(name: str, vendor: str) -> None:
    """Frameworks go by the vendor: CUDA runs on NVIDIA's accelerators, Neuron on AWS's, neither on the others."""
    assert load_instance_types()[name].accelerator.vendor == vendor
