"""Does EC2's answer on its instance types keep the facts that Berth keeps?"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from moto import mock_aws

from pricing.aws.instance_types import Devices, Ec2Type, describe_types, read_types
from pricing.aws.session import session
from pricing.catalog import load_instance_types
from pricing.errors import MarketError
from tests.support.ec2_records import EC2
from tests.support.recorded import Replay


def one(record: dict[str, Any]) -> Ec2Type:
    (found,) = read_types([record])
    return found


def test_a_record_keeps_its_units() -> None:
    """vCPUs, MiB, GB, Mbit/s, cards and classes of p5.48xlarge are EC2's own."""
    p5 = one(EC2["p5.48xlarge"])
    assert (p5.vcpus, p5.memory_mib, p5.nvme_gb, p5.ebs_baseline_mbps) == (192, 2097152, 30400, 80000)
    assert (p5.network, len(p5.cards), p5.efa_interfaces) == ("3200 Gigabit", 32, 32)
    assert p5.usage_classes == {"capacity-block", "on-demand", "spot"}
    assert p5.devices == Devices(
        name="H100", count=8, logical_count=8, share=1.0, memory_mib=81920, fields=("GpuInfo",)
    )


@pytest.mark.parametrize(
    ("name", "count", "logical", "share", "fields"),
    [
        ("g6f.large", 0, 1, 0.125, ("GpuInfo",)),
        ("inf2.48xlarge", 12, 12, 1.0, ("NeuronInfo", "InferenceAcceleratorInfo")),
        ("dl2q.24xlarge", 8, 8, 1.0, ("InferenceAcceleratorInfo",)),
        ("trn2.48xlarge", 16, 16, 1.0, ("NeuronInfo",)),
    ],
)
def test_accelerators_of_every_field(
    name: str, count: int, logical: int, share: float, fields: tuple[str, ...]
) -> None:
    """A GPU's slice, Inferentia in two fields and what stands in the third are all found, once."""
    devices = one(EC2[name]).devices
    assert devices is not None
    assert (devices.count, devices.logical_count, devices.share, devices.fields) == (count, logical, share, fields)


def test_a_record_may_name_no_accelerators() -> None:
    """That of trn2u does not: its devices are unknown, not none."""
    assert one(EC2["trn2u.48xlarge"]).devices is None


def test_a_record_without_its_core_is_refused() -> None:
    """A record without vCPUs is no record of an instance type."""
    broken = deepcopy(EC2["p5.48xlarge"])
    del broken["VCpuInfo"]
    with pytest.raises(KeyError, match="VCpuInfo"):
        read_types([broken])


def test_every_accelerated_type_is_described(aws: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of families find every type of the bundle that EC2 knows, and no type without accelerators."""
    with mock_aws():
        session.cache_clear()
        described = {each.name for each in describe_types("us-east-1")}
    assert described == {name for name in load_instance_types() if name in EC2}


def test_a_refusal_names_the_permission(aws: Replay) -> None:
    """Without the permission nothing is described, and the user is told which one to allow."""
    aws.refuses("DescribeInstanceTypes", "UnauthorizedOperation", status=403)
    with pytest.raises(MarketError, match="allow ec2:DescribeInstanceTypes"):
        describe_types("us-east-1")
