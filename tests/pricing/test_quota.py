"""Does a quota allow as many nodes as it should, and nothing where it is unknown?"""

from __future__ import annotations

from decimal import Decimal

import pytest

from pricing.offer import Purchase
from pricing.price import Quota, QuotaKind
from pricing.quota import interfaces_allowed, nodes_allowed

REGION = "us-east-1"
P5, VCPUS = "p5.48xlarge", 192


def quota(kind: QuotaKind, value: float, subject: str = P5, region: str = REGION) -> Quota:
    return Quota(kind=kind, subject=subject, region=region, value=Decimal(str(value)))


ON_DEMAND, SPOT = quota(QuotaKind.ON_DEMAND_VCPUS, 400), quota(QuotaKind.SPOT_VCPUS, 191)


@pytest.mark.parametrize(
    ("purchase", "nodes"),
    [
        (Purchase.ON_DEMAND, 2),
        (Purchase.RESERVED_1YR, 2),
        (Purchase.SAVINGS_PLAN_3YR, 2),
        (Purchase.COMPUTE_SAVINGS_PLAN_1YR, 2),
        (Purchase.SPOT, 0),
        (Purchase.CAPACITY_BLOCK, None),
    ],
)
def test_vcpus_make_whole_nodes(purchase: Purchase, nodes: int | None) -> None:
    """400 vCPUs are two nodes of 192, 191 are none, and a Capacity Block is not bounded by either."""
    assert nodes_allowed([ON_DEMAND, SPOT], P5, VCPUS, purchase, REGION) == nodes


def test_a_quota_of_zero_is_known() -> None:
    """A new account may run none; that is another thing than not knowing."""
    assert nodes_allowed([quota(QuotaKind.SPOT_VCPUS, 0)], P5, VCPUS, Purchase.SPOT, REGION) == 0


@pytest.mark.parametrize(
    "quotas",
    [
        [],
        [SPOT],
        [quota(QuotaKind.ON_DEMAND_VCPUS, 400, region="us-west-2")],
        [quota(QuotaKind.ON_DEMAND_VCPUS, 400, subject="p5e.48xlarge")],
        [ON_DEMAND, quota(QuotaKind.ON_DEMAND_VCPUS, 384)],
    ],
)
def test_what_no_quota_states_is_unknown(quotas: list[Quota]) -> None:
    """No quota, another's, another region's, or two that differ: unknown."""
    assert nodes_allowed(quotas, P5, VCPUS, Purchase.ON_DEMAND, REGION) is None


def test_hyperpod_counts_instances() -> None:
    """The quota of an `ml.` type is in instances, whatever EC2's says."""
    cluster = quota(QuotaKind.CLUSTER_INSTANCES, 3, subject=f"ml.{P5}")
    assert nodes_allowed([cluster, ON_DEMAND], f"ml.{P5}", VCPUS, Purchase.ON_DEMAND, REGION) == 3
    assert nodes_allowed([ON_DEMAND], f"ml.{P5}", VCPUS, Purchase.ON_DEMAND, REGION) is None


def test_interfaces_are_the_region_s() -> None:
    """One quota holds for all network interfaces of a region."""
    interfaces = quota(QuotaKind.NETWORK_INTERFACES, 5000, subject="")
    assert interfaces_allowed([interfaces, ON_DEMAND], REGION) == 5000
    assert interfaces_allowed([interfaces], "us-west-2") is None
