"""How are the nodes asked for, given how they are paid for? The one decision on market, reservation and placement."""

from __future__ import annotations

from msgspec import Struct

from pricing.offer import Purchase
from stacks.errors import StackError
from stacks.verify.facts import hardware

OPEN = "open"
"""Stands for any reservation that matches."""
RESERVATIONS_ONLY = "capacity-reservations-only"


class Capacity(Struct, frozen=True, kw_only=True):
    """One row of EC2's purchase modes, whose fields exclude each other.

    `market` is the launch template's MarketType, None for on-demand; `pool` the fleet's target capacity type.
    `preference` keeps nodes from starting on demand beside a reservation, unnoticed. `own_placement` says whether the
    stack may make a placement group: a reservation has its own placement, and an unrelated group makes the launch fail
    while the reserved capacity lies idle; `placement_group` is the one in which a reservation was made.
    """

    market: str | None
    pool: str
    reservation_id: str | None = None
    group_arn: str | None = None
    preference: str | None = None
    own_placement: bool = False
    placement_group: str | None = None


def capacity(
    *, purchase: Purchase, reservation: str | None, instance_type: str, placement_group: str | None = None
) -> Capacity:
    """The fields that `purchase` and a reservation (an id, the ARN of a group, or OPEN) ask for.

    Savings plans and reserved instances are discounts on the bill, so their nodes launch on demand.
    Raises StackError where they contradict each other, or EC2 does not sell the type so.
    """
    _refuse_unsold(purchase, instance_type)
    by_id = reservation is not None and reservation.startswith("cr-")
    if placement_group and not by_id:
        raise StackError(
            f"The placement group {placement_group!r} belongs to a reservation, but none is named by its id. "
            "Name it (cr-...), or leave the group out."
        )
    if purchase is Purchase.CAPACITY_BLOCK:
        if not by_id:
            raise StackError(
                "A capacity block is planned, but no reservation is named by its id. Buy the block "
                "(CloudFormation cannot) and give its id (cr-...), or choose another purchase."
            )
        if placement_group:
            raise StackError(
                f"A capacity block takes no placement group, and {placement_group!r} is named. Leave it out."
            )
        return Capacity(market="capacity-block", pool="capacity-block", reservation_id=reservation)
    if purchase is Purchase.SPOT:
        if reservation is not None:
            raise StackError(
                f"Spot nodes cannot run in reservation {reservation!r}. "
                "Choose on-demand for that reservation, or leave the reservation out."
            )
        return Capacity(market="spot", pool="spot", own_placement=True)
    if reservation is None:
        return Capacity(market=None, pool="on-demand", own_placement=True)
    return Capacity(
        market=None,
        pool="on-demand",
        reservation_id=reservation if by_id else None,
        group_arn=None if by_id or reservation == OPEN else reservation,
        preference=RESERVATIONS_ONLY,
        placement_group=placement_group,
    )


# EC2's usage classes (DescribeInstanceTypes, SupportedUsageClasses); commitments are discounts on the first.
_USAGE_CLASSES = {Purchase.SPOT: "spot", Purchase.CAPACITY_BLOCK: "capacity-block"}


def _refuse_unsold(purchase: Purchase, instance_type: str) -> None:
    """Raises StackError where EC2 is known not to sell the type on these terms."""
    facts = hardware(instance_type)
    wanted = _USAGE_CLASSES.get(purchase, "on-demand")
    if facts and facts.usage_classes and wanted not in facts.usage_classes:
        sold = ", ".join(sorted(facts.usage_classes))
        raise StackError(f"EC2 sells {instance_type} as {sold}, not as {wanted}. Choose another purchase or type.")
