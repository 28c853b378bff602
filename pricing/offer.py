"""What can be bought, in which region, on which terms, at what price, and who says so?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

Zones = Mapping[tuple[str, str], tuple[str, ...]]
"""Zone ids (`use1-az1`, the same in every account) by instance type and region."""

_ZONE = re.compile(r"[a-z]+[0-9]+-az[0-9]+")


def is_zone_of_region(zone_id: str) -> bool:
    """Whether a zone is one of its region.

    A Local Zone (`use1-atl2-az1`) or a Wavelength Zone (`use1-wl1-bos-wlz1`) must be opted into, and has prices of
    its own.
    """
    return _ZONE.fullmatch(zone_id) is not None


class Purchase(StrEnum):
    """How an instance is paid for. A savings plan without a word before it is an EC2 Instance Savings Plan."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    CAPACITY_BLOCK = "capacity-block"
    RESERVED_1YR = "reserved-1yr"
    RESERVED_3YR = "reserved-3yr"
    SAVINGS_PLAN_1YR = "savings-plan-1yr"
    SAVINGS_PLAN_3YR = "savings-plan-3yr"
    COMPUTE_SAVINGS_PLAN_1YR = "compute-savings-plan-1yr"
    COMPUTE_SAVINGS_PLAN_3YR = "compute-savings-plan-3yr"


class Payment(StrEnum):
    """When a commitment is paid; `UNSTATED` for what is no commitment, and where a source does not say."""

    UNSTATED = ""
    NO_UPFRONT = "no-upfront"
    PARTIAL_UPFRONT = "partial-upfront"
    ALL_UPFRONT = "all-upfront"


class Provenance(Struct, frozen=True, kw_only=True):
    """Where a price comes from: the source in words, and the day on which it is known to have held.

    `effective` is the day from which the price list says that it holds; None where the source does not say.
    """

    source: str
    as_of: date
    effective: date | None = None

    def age_days(self, today: date) -> int:
        """Days since the price is known to have held."""
        return (today - self.as_of).days


class Offer(Struct, frozen=True, kw_only=True):
    """One way to buy one node of one instance type. USD per hour per node, Linux, shared tenancy.

    `zone_ids` are the zones (`use1-az6`, the same in every account) that offer the type; empty where no
    source lists them. A spot offer is one zone's price, or, without a zone, the lowest of the region's zones.
    """

    instance_type: str
    region: str
    purchase: Purchase
    usd_per_hour_per_node: Decimal
    zone_ids: tuple[str, ...]
    provenance: Provenance
