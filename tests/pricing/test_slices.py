"""Is a part of an accelerator as large and as fast as its share of the whole?"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pricing.catalog import DATA, find_accelerator, load_accelerators, load_instance_types
from pricing.errors import CatalogError
from pricing.slices import MEMORY_SLICES, find_slice, is_slice, slices_of
from pricing.units import GIB, MIB

WRITTEN = yaml.safe_load((Path(DATA) / "mig.yaml").read_text(encoding="utf-8"))
EVERY = [f"{chip}/{part}" for cut in WRITTEN for chip in cut["chips"] for part in cut["profiles"]]


@pytest.mark.parametrize("name", EVERY)
def test_a_mig_instance_is_smaller_than_its_chip(name: str) -> None:
    """No instance has more memory, bandwidth or arithmetic than the whole, and its rates are for the same types."""
    found = find_slice(name)
    device, whole = found.device, found.whole
    assert is_slice(name)
    assert device.name == name
    assert 0.9 * whole.memory_bytes < device.memory_bytes * MEMORY_SLICES / _slices(name) <= 1.01 * whole.memory_bytes
    assert device.memory_bytes_per_s == pytest.approx((whole.memory_bytes_per_s or 0) * _slices(name) / MEMORY_SLICES)
    assert device.flop_per_s.keys() == whole.flop_per_s.keys()
    assert all(device.flop_per_s[dtype] <= rate for dtype, rate in whole.flop_per_s.items())
    assert device.link is None


@pytest.mark.parametrize("name", EVERY)
def test_instances_of_a_kind_fit_their_chip(name: str) -> None:
    """As many as the guide allows share no more than the chip's memory and multiprocessors, nor one more seventh."""
    found = find_slice(name)
    assert found.instances * found.device.memory_bytes <= found.whole.memory_bytes
    for dtype, rate in found.whole.flop_per_s.items():
        assert found.instances * found.device.flop_per_s[dtype] <= rate * 1.001
    assert found.whole.mig_slices == 7
    assert found.instances <= 7


def _slices(name: str) -> int:
    chip, _, part = name.partition("/")
    return next(int(cut["profiles"][part]["memory_slices"]) for cut in WRITTEN if chip in cut["chips"])


def test_every_profile_has_a_source_and_a_chip_that_is_cut() -> None:
    """Facts name their source and day; chips exist, and each is described once."""
    chips = [chip for cut in WRITTEN for chip in cut["chips"]]
    assert len(chips) == len(set(chips))
    for cut in WRITTEN:
        assert cut["source"].startswith("NVIDIA MIG user guide")
        assert cut["date"]
    assert all(load_accelerators()[chip].mig_slices > 1 for chip in chips)


def test_a_seventh_of_an_h100() -> None:
    """1g.10gb has 9.75 GiB, an eighth of the bandwidth and 16 of 132 multiprocessors; seven stand on a chip."""
    found = find_slice("H100-80GB/1g.10gb")
    whole = find_accelerator("H100-80GB")
    assert found.device.memory_bytes == 9984 * MIB
    assert found.device.memory_bytes_per_s == pytest.approx(3350e9 / 8)
    assert found.device.flop_per_s["bf16"] == pytest.approx(whole.flop_per_s["bf16"] * 16 / 132)
    assert found.instances == 7


def test_fractions_are_those_that_instance_types_are_sold_with() -> None:
    """An eighth, a quarter and a half of an L4 are sold (g6f, gr6f), with that share of everything."""
    assert slices_of("L4")[1] == ("0.125", "0.25", "0.5")
    half = find_slice("L4/0.5")
    sold = load_instance_types()["g6f.4xlarge"]
    assert half.device.memory_bytes == sold.device_memory_bytes
    assert half.device.memory_bytes_per_s == sold.memory_bytes_per_s_per_device
    assert half.device.flop_per_s["bf16"] == sold.flop_per_s_per_device("bf16")
    assert half.instances == 2
    assert half.device.memory_bytes < 12 * GIB


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("H100-80GB/1g.5gb", "H100-80GB has no such part; it has 1g.10gb, 1g.20gb"),
        ("L4/0.3", "L4 has no such part; it has 0.125, 0.25, 0.5"),
        ("T4/1g.4gb", "T4 is neither cut by MIG nor sold in parts"),
        ("H101/1g.10gb", "H101 is not a known accelerator"),
    ],
)
def test_a_part_that_is_not_there_is_refused_with_what_is(name: str, says: str) -> None:
    """An unknown chip, profile or share is an expected failure that names what there is."""
    with pytest.raises(CatalogError, match=says):
        find_slice(name)
