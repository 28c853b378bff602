"""What can a run still use of capacity that the account has reserved?"""

from __future__ import annotations

import math
from datetime import datetime

from msgspec import Struct

from pricing.blocks import ENDS_EARLY_S
from pricing.offer import Offer, Purchase
from pricing.price import Reservation
from pricing.units import HOUR_S


class Held(Struct, frozen=True, kw_only=True):
    """A reservation, its whole length, and what of that a run can use from now, or from its start, on. Hours.

    Both are inf where it stands until it is cancelled. EC2 takes a block's instances back before its end.
    """

    reservation: Reservation
    hours: float
    hours_left: float

    def serves(self, offer: Offer) -> bool:
        """Whether what is bought by an offer may run in the reservation: a block's price is a block's alone."""
        place = self.reservation.instance_type, self.reservation.region
        by_block = offer.purchase is Purchase.CAPACITY_BLOCK
        return (
            (offer.instance_type, offer.region) == place
            and (not offer.zone_ids or self.reservation.zone_id in offer.zone_ids)
            and by_block is self.reservation.is_block
            and offer.purchase is not Purchase.SPOT
        )


def held(reservation: Reservation, now: datetime) -> Held:
    """The reservation as seen from `now` (UTC)."""
    ends_at = reservation.ends_at
    if ends_at is None:
        return Held(reservation=reservation, hours=math.inf, hours_left=math.inf)
    early_s = ENDS_EARLY_S if reservation.is_block else 0
    left_s = (ends_at - max(now, reservation.starts_at)).total_seconds() - early_s
    hours = (ends_at - reservation.starts_at).total_seconds() / HOUR_S
    return Held(reservation=reservation, hours=hours, hours_left=max(left_s / HOUR_S, 0.0))
