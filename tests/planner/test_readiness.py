"""Is a node ready when the slowest part of its way has read the weights?"""

from __future__ import annotations

import pytest

from planner.readiness import BOOT_S, GP3_BYTES_PER_S, ready_s, weight_sources
from pricing.catalog import load_instance_types
from pricing.records import replace

GB = 10**9


def rates(name: str, file_system: tuple[int, int] | None = None) -> dict[str, float | None]:
    """Bytes/s of each source on a type of the catalog."""
    return {each.name: each.bytes_per_s for each in weight_sources(load_instance_types()[name], file_system)}


def test_s3_is_read_at_the_sustained_rate_of_one_card() -> None:
    """g5.xlarge holds 2.5 Gbps, not its burst of 10; p5 has 32 cards of 100 Gbps, of which one has the address."""
    roomy = replace(load_instance_types()["g5.xlarge"], nvme_bytes=4 * 10**12)
    assert weight_sources(roomy, None)[0].bytes_per_s == pytest.approx(2.5e9 / 8)
    assert rates("p5.48xlarge")["s3"] == pytest.approx(100e9 / 8)


def test_s3_is_copied_no_faster_than_the_disks_take_it() -> None:
    """The 250 GB disk of g6.xlarge takes 250 MB/s; without any, a gp3 volume takes what it is paid for."""
    assert rates("g6.xlarge")["s3"] == pytest.approx(0.25e9)
    bare = replace(load_instance_types()["g6.48xlarge"], nvme_bytes=0)
    assert weight_sources(bare, None)[0].bytes_per_s == GP3_BYTES_PER_S
    assert "a gp3 volume" in weight_sources(bare, None)[0].basis


def test_a_volume_is_as_fast_as_it_is_paid_for() -> None:
    """gp3 reads 125 MiB/s; a type that sustains less to EBS sets the pace itself."""
    assert rates("p5.48xlarge")["ebs"] == GP3_BYTES_PER_S
    assert rates("g6.xlarge")["ebs"] == pytest.approx(1e9 / 8)


def test_a_file_system_serves_what_it_is_bought_with() -> None:
    """Capacity times rate per TiB, and never more than the card takes."""
    assert rates("p5.48xlarge", (4800, 1000))["fsx"] == pytest.approx(4800 / 1024 * 1e9)
    assert rates("g6.xlarge", (4800, 1000))["fsx"] == pytest.approx(2.5e9 / 8)


def test_what_is_not_known_or_not_there_is_told() -> None:
    """No local disks, no rate: the source has none, and says why."""
    machine = replace(load_instance_types()["g6.xlarge"], nvme_bytes=0, network_bytes_per_s=None, ebs_bytes_per_s=None)
    for source in weight_sources(machine, None):
        assert source.bytes_per_s is None
        assert ready_s(source, 1.0) is None
        assert "g6.xlarge" in source.basis


def test_ready_is_boot_and_reading() -> None:
    """16 GB at 250 MB/s take 64 s after booting."""
    source = weight_sources(load_instance_types()["g6.xlarge"], None)[0]
    assert ready_s(source, 16 * GB) == pytest.approx(BOOT_S + 64)
