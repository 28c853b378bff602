"""The purchase modes and the fields that each asks for."""

from __future__ import annotations

from typing import Any

import pytest

from pricing.offer import Purchase
from stacks.errors import StackError
from stacks.parts.capacity import OPEN, Capacity, capacity

TARGET = "cr-0123456789abcdef0"
GROUP = "arn:aws:resource-groups:us-east-1:111122223333:group/p5"
ONLY = "capacity-reservations-only"
COMMITMENTS = [each for each in Purchase if each.name.startswith(("RESERVED", "SAVINGS", "COMPUTE"))]


def row(**fields: Any) -> Capacity:
    """A row of nodes on demand, unless told otherwise."""
    return Capacity(**{"market": None, "pool": "on-demand", **fields})


@pytest.mark.parametrize(
    ("purchase", "reservation", "expected"),
    [
        (Purchase.ON_DEMAND, None, row(own_placement=True)),
        (Purchase.ON_DEMAND, TARGET, row(reservation_id=TARGET, preference=ONLY)),
        (Purchase.ON_DEMAND, GROUP, row(group_arn=GROUP, preference=ONLY)),
        (Purchase.ON_DEMAND, OPEN, row(preference=ONLY)),
        (Purchase.SPOT, None, row(market="spot", pool="spot", own_placement=True)),
        (
            Purchase.CAPACITY_BLOCK,
            TARGET,
            row(market="capacity-block", pool="capacity-block", reservation_id=TARGET),
        ),
        *((purchase, None, row(own_placement=True)) for purchase in COMMITMENTS),
        *((purchase, TARGET, row(reservation_id=TARGET, preference=ONLY)) for purchase in COMMITMENTS),
    ],
)
def test_each_purchase_has_its_row(purchase: Purchase, reservation: str | None, expected: Capacity) -> None:
    """Market, pool, reservation and placement follow from the purchase; discounts launch on demand."""
    assert capacity(purchase=purchase, reservation=reservation, instance_type="p5.48xlarge") == expected


def test_a_reservations_own_placement_group_is_the_only_one() -> None:
    """Beside a reservation that was made in a placement group, nodes launch into that one and no other is made."""
    found = capacity(purchase=Purchase.ON_DEMAND, reservation=TARGET, instance_type="p5.48xlarge", placement_group="a")
    assert (found.placement_group, found.own_placement) == ("a", False)


@pytest.mark.parametrize(
    ("purchase", "reservation", "kind", "group", "words"),
    [
        (Purchase.CAPACITY_BLOCK, None, "p5.48xlarge", None, "no reservation is named"),
        (Purchase.CAPACITY_BLOCK, OPEN, "p5.48xlarge", None, "no reservation is named"),
        (Purchase.CAPACITY_BLOCK, GROUP, "p5.48xlarge", None, "no reservation is named"),
        (Purchase.CAPACITY_BLOCK, TARGET, "p5.48xlarge", "a", "takes no placement group"),
        (Purchase.SPOT, TARGET, "p5.48xlarge", None, f"cannot run in reservation '{TARGET}'"),
        (Purchase.SPOT, OPEN, "p5.48xlarge", None, "cannot run in reservation 'open'"),
        (Purchase.ON_DEMAND, None, "p5.48xlarge", "a", "belongs to a reservation"),
        (Purchase.SPOT, None, "p6e-gb200.36xlarge", None, "not as spot"),
        (Purchase.CAPACITY_BLOCK, TARGET, "g5.xlarge", None, "not as capacity-block"),
    ],
)
def test_contradictions_are_refused(
    purchase: Purchase, reservation: str | None, kind: str, group: str | None, words: str
) -> None:
    """What EC2 would refuse, or would launch elsewhere than asked, is an error that says what to change."""
    with pytest.raises(StackError, match=words):
        capacity(purchase=purchase, reservation=reservation, instance_type=kind, placement_group=group)
