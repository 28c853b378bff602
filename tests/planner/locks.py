"""Locks that differ, and look-ups that answer, fail or must not happen."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from planner.built import Existing, FileSystem, Image, Mig
from planner.lock import Lock
from planner.plan import Lifecycle, Target
from pricing.errors import MarketError
from pricing.offer import Purchase
from pricing.records import replace
from tests.planner.market_builders import NOW
from tests.support.fleets import FLEET

LATER = NOW + timedelta(days=3)
AMI = "ami-0123456789abcdef0"


def other(lock: Lock, **fields_of_build: Any) -> Lock:
    """The lock with another build."""
    return replace(lock, build=replace(lock.build, **fields_of_build))


def pinned(lock: Lock) -> Lock:
    """The lock with its image looked up."""
    return other(lock, image=replace(lock.build.image, id=AMI))


def unasked(parameter: str, region: str) -> str:
    """A look-up that must not happen."""
    raise AssertionError(f"{parameter} was looked up in {region}")


def resolved(parameter: str, region: str) -> str:
    """Credentials that find every image."""
    assert parameter.startswith("/aws/service/")
    assert region == "us-east-1"
    return AMI


def unresolved(parameter: str, region: str) -> str:
    """Credentials that are not enough."""
    raise MarketError(f"The machine image {parameter} cannot be looked up in {region}: denied.")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {each.name: each.read_bytes() for each in folder.iterdir()}


# For each field of a build another value than the small training's. What makes another stack:
MOVING: dict[str, Any] = {"name": "b", "region": "us-west-2", "zone_id": "use1-az9", "account": "111122223333"}
# What stands in create-only properties, or in the launch template, or follows from what does:
REPLACING: dict[str, Any] = {
    "target": Target.EFA_CLUSTER,
    "instance_type": "p5.48xlarge",
    "vendor": "AWS",
    "accelerators": 7,
    "nvme_bytes": 1,
    "efa_cards": (0, 1),
    "nic_slots": (9, 9),
    "nodes": 5,
    "purchase": Purchase.SPOT,
    "reservation_id": "cr-01234567",
    "image": Image(parameter="/another", id=None),
    "root_volume_bytes": 1,
    "file_system": FileSystem(capacity_gib=4800, mb_per_s_per_tib=250, data=None, efa=False),
    "fleet": FLEET,
    "mig": Mig(profile="1g.10gb", instances=7),
    "split": True,
    "training_plan_arn": "arn:aws:sagemaker:us-east-1:111122223333:training-plan/a",
    "cidr": "10.1.0.0/16",
    "existing": Existing(vpc="vpc-01234567"),
}
SHOWN = {
    "image": "/another",
    "file_system": "4,800 GiB of Lustre",
    "fleet": "vllm",
    "mig": "1g.10gb",
    "existing": "vpc-01234567",
}
# Told by the field of the record that differs:
TOLD = {"existing": "vpc"}
# What changes around nodes that run:
AROUND: dict[str, Any] = {
    "lifecycle": Lifecycle.PERSISTENT,
    "expires_at": NOW,
    "block_ends_at": NOW,
    "budget_usd": Decimal(5),
    "budget_email": "ml@example.com",
}


def words_of(field: str, value: object) -> tuple[str, str]:
    """How a change to the value begins and ends in words."""
    return f"{TOLD.get(field, field).replace('_', ' ')}: ", f" -> {SHOWN.get(field, value)}"
