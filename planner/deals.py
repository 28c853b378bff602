"""What would the chosen fleet cost on other terms, and in the other regions asked for?"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import overload

from planner.cost import wasted_share
from planner.plan import Candidate, Deal
from planner.terms import committed_hours
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.units import HOUR_S, HOURS_PER_MONTH


def deals_of(chosen: Candidate, own: Offer, market: Market) -> tuple[Deal, ...]:
    """The chosen fleet on all terms that have a price, cheapest first: one deal per region and purchase.

    `own` is the offer that it is bought by.
    """
    # The user may want a zone that is not the cheapest.
    best: dict[tuple[str, Purchase], Offer] = {(own.region, own.purchase): own}
    # Spot prices differ by zone.
    for offer in sorted(_offers(chosen, market), key=lambda each: (each.usd_per_hour_per_node, each.zone_ids)):
        best.setdefault((offer.region, offer.purchase), offer)
    deals = [_deal(chosen, offer, market) for offer in best.values()]
    return tuple(sorted(deals, key=lambda deal: (deal.usd_per_hour_per_node, deal.region, deal.purchase)))


def _offers(chosen: Candidate, market: Market) -> Iterable[Offer]:
    every = (*market.offers, *market.other_offers)
    return (each for each in every if each.instance_type == chosen.instance_type)


def _deal(chosen: Candidate, offer: Offer, market: Market) -> Deal:
    per_hour = offer.usd_per_hour_per_node * chosen.nodes
    run_hours = chosen.run.run_s / HOUR_S if chosen.run else None
    paid_hours = committed_hours(offer.purchase, run_hours)
    wasted = Decimal(1 + chosen.nodes * (wasted_share(offer, market) or 0.0))
    used = None if run_hours is None else per_hour * Decimal(run_hours) * wasted
    committed = None if paid_hours is None else per_hour * Decimal(paid_hours)
    # A block is bought for this run; a commitment may serve another job after it.
    run = committed if committed is not None and offer.purchase is Purchase.CAPACITY_BLOCK else used
    return Deal(
        region=offer.region,
        purchase=offer.purchase,
        zone_ids=offer.zone_ids,
        usd_per_hour_per_node=offer.usd_per_hour_per_node,
        usd_per_run=_cents(run),
        usd_per_month=_cents(per_hour * HOURS_PER_MONTH),
        committed_usd=_cents(committed),
        idle_usd=None if committed is None or used is None else _cents(committed - used),
        nodes_allowed=market.nodes_allowed(offer.instance_type, offer.purchase, offer.region),
        provenance=offer.provenance,
    )


@overload
def _cents(amount: Decimal) -> Decimal: ...
@overload
def _cents(amount: None) -> None: ...
def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.01"))
