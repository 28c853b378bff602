"""Is what can still be used of a reservation counted from now, to when EC2 takes the instances back?"""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pricing.offer import Offer, Purchase
from pricing.reservation import held
from tests.pricing.snapshots import NOW, REGION, SAID, reservation


@pytest.mark.parametrize(
    ("ends_in_h", "is_block", "seen_after_h", "hours", "left"),
    [
        (None, False, 0, math.inf, math.inf),
        (23, False, 0, 24, 23),
        (23, False, 13, 24, 10),
        # EC2 begins to end a block's instances half an hour before its end.
        (23, True, 0, 24, 22.5),
        (23, True, -24, 24, 23.5),
        (23, True, 23, 24, 0),
        (23, True, 100, 24, 0),
    ],
)
def test_hours_are_left_until_ec2_takes_the_instances(
    ends_in_h: float | None, is_block: bool, seen_after_h: float, hours: float, left: float
) -> None:
    """From now, or from a start that is yet to come; never less than none, and without end where there is none."""
    ends_at = None if ends_in_h is None else NOW + timedelta(hours=ends_in_h)
    found = held(reservation(ends_at, is_block=is_block), NOW + timedelta(hours=seen_after_h))
    assert (found.hours, found.hours_left) == (hours, left)


def offer(**changes: Any) -> Offer:
    """What the reservation serves, unless something is changed."""
    plain: dict[str, Any] = {
        "instance_type": "p5.48xlarge",
        "region": REGION,
        "purchase": Purchase.ON_DEMAND,
        "zone_ids": ("use1-az6",),
    }
    return Offer(**{**plain, **changes}, usd_per_hour_per_node=Decimal(55), provenance=SAID)


@pytest.mark.parametrize(
    ("changes", "is_block", "serves"),
    [
        ({}, False, True),
        ({"zone_ids": ()}, False, True),
        ({"purchase": Purchase.SAVINGS_PLAN_1YR}, False, True),
        ({"purchase": Purchase.CAPACITY_BLOCK}, True, True),
        ({}, True, False),
        ({"purchase": Purchase.CAPACITY_BLOCK}, False, False),
        ({"purchase": Purchase.SPOT}, False, False),
        ({"instance_type": "p4d.24xlarge"}, False, False),
        ({"region": "us-west-2"}, False, False),
        ({"zone_ids": ("use1-az1",)}, False, False),
    ],
)
def test_a_reservation_serves_its_own_type_zone_and_terms(
    changes: dict[str, Any], is_block: bool, serves: bool
) -> None:
    """A block takes what is bought as one; a reservation takes instances on demand, discounted or not."""
    assert held(reservation(is_block=is_block), NOW).serves(offer(**changes)) is serves
