"""Which offers do stated prices make?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from pricing.offer import Offer, Payment, Purchase, Zones, is_zone_of_region
from pricing.price import Block, PriceRow

# What a plan says an hour costs must be what is billed by the hour. Of a commitment paid up front, in part or whole,
# that is not its price: the fee is gone on the first day, whether the job runs for three years or three days.
_HOURLY = (Payment.UNSTATED, Payment.NO_UPFRONT)
# Offers are of plain machines, and plans are in USD.
_CURRENCY = "USD"
_SYSTEM = "linux"


def offers_of(rows: Iterable[PriceRow], zones: Zones) -> tuple[Offer, ...]:
    """Every Linux price in USD that is billed by the hour, the newest of each.

    A spot offer carries its own zone. Where only the lowest price of the region was recorded, and on any other terms,
    an offer carries the zones in which the type is sold. Local Zones are left out: they must be opted into, and the
    stacks are made for zones of a region.
    """
    newest: dict[tuple[str, ...], PriceRow] = {}
    for row in rows:
        plain = row.currency == _CURRENCY and row.operating_system == _SYSTEM and row.payment in _HOURLY
        if plain and (not row.zone_id or is_zone_of_region(row.zone_id)):
            subject = (row.instance_type, row.region, row.purchase, row.zone_id)
            known = newest.get(subject)
            if known is None or row.provenance.as_of > known.provenance.as_of:
                newest[subject] = row
    in_zones = {row.subject[:2] for row in newest.values() if row.zone_id}
    return tuple(_offer(row, zones) for row in newest.values() if not _is_vague(row, in_zones))


def block_offers(blocks: Iterable[Block], today: date) -> tuple[Offer, ...]:
    """The price per hour and node of the cheapest block of each type and zone, fee over its whole time, in USD."""
    usable = [block for block in blocks if block.currency == _CURRENCY]
    if not usable:
        return ()
    # What else this loads asks AWS, and the bundle has no blocks.
    from pricing.aws.capacity_blocks import block_price

    cheapest: dict[tuple[str, str], Offer] = {}
    for block in usable:
        row = block_price(block, today)
        key = block.name, block.zone_id
        if key not in cheapest or row.price_per_hour_per_node < cheapest[key].usd_per_hour_per_node:
            cheapest[key] = _offer(row, {(block.name, block.region): (block.zone_id,)})
    return tuple(cheapest.values())


def _is_vague(row: PriceRow, in_zones: Collection[tuple[str, ...]]) -> bool:
    """Whether a spot price is only the lowest of its region, and its zones' own prices are known."""
    return row.purchase is Purchase.SPOT and not row.zone_id and row.subject[:2] in in_zones


def _offer(row: PriceRow, zones: Zones) -> Offer:
    own = (row.zone_id,) if row.zone_id else ()
    return Offer(
        instance_type=row.instance_type,
        region=row.region,
        purchase=row.purchase,
        usd_per_hour_per_node=row.price_per_hour_per_node,
        zone_ids=own if row.purchase is Purchase.SPOT and own else zones.get((row.instance_type, row.region), ()),
        provenance=row.provenance,
    )
