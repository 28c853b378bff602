"""Does `berth catalog check` find drift, tell quirks apart, and fail only for what is not explained?"""

from __future__ import annotations

from copy import deepcopy

import pytest

from pricing.aws.instance_types import Ec2Type, read_types
from pricing.errors import MarketError
from pricing.records import replace
from tests.berth.command import Command
from tests.support.ec2_records import EC2
from tests.support.price_server import PriceServer


@pytest.fixture
def records(server: PriceServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Ec2Type]:
    """EC2's record of every type, the same in each region; a test may change it."""
    found = {each.name: each for each in read_types(deepcopy(list(EC2.values())))}

    def described(region: str) -> tuple[Ec2Type, ...]:
        if region == "us-west-2":
            raise MarketError("ec2:DescribeInstanceTypes in us-west-2: no.")
        return tuple(found.values())

    monkeypatch.setattr("pricing.hardware_check.describe_types", described)
    return found


def test_quirks_are_listed_and_no_failure(berth: Command, records: dict[str, Ec2Type]) -> None:
    """What EC2 is known to say wrongly is told as such; a region that cannot be asked leaves the others."""
    answer = berth("catalog", "check")
    assert answer.status == 0
    assert answer.out.startswith("Known quirks of EC2's record:\n  ")
    assert "trn2" in answer.out
    assert answer.out.endswith("; differences to look into: 0.\n")
    assert answer.err == "ec2:DescribeInstanceTypes in us-west-2: no.\n"


def test_drift_is_a_failure(berth: Command, records: dict[str, Ec2Type]) -> None:
    """A figure that differs without a known reason is named with both values, and ends with status 1."""
    records["p5.48xlarge"] = replace(records["p5.48xlarge"], vcpus=96)
    answer = berth("catalog", "check", "--region", "us-east-1")
    assert answer.status == 1
    title, drift, *_ = answer.out.splitlines()
    assert title == "Drift:"
    assert drift.startswith("  p5.48xlarge") and drift.endswith("vCPUs: EC2 says 96, the bundle 192.")
    assert answer.out.endswith("; differences to look into: 1.\n")


def test_nobody_to_ask_is_a_failure(berth: Command, records: dict[str, Ec2Type]) -> None:
    """Where no region answers, nothing is compared."""
    answer = berth("catalog", "check", "--region", "us-west-2")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err == "ec2:DescribeInstanceTypes in us-west-2: no.\n"


def test_no_credentials_is_a_finding(server: PriceServer, berth: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """EC2 describes its types to those with an account only."""
    for name in server.environment:
        monkeypatch.delenv(name)
    answer = berth("catalog", "check")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err == "EC2's record cannot be had: no AWS credentials are found.\n"
    assert server.asked == []
