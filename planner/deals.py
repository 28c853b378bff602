"""What would the chosen fleet cost on other terms, and in the other regions asked for?"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite

from planner.cost import cents, usd_of_hours
from planner.plan import Candidate, Deal
from planner.terms import RunHours, committed_node_hours, paid_node_hours
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.units import HOURS_PER_MONTH


def deals_of(chosen: Candidate, own: Offer, market: Market) -> tuple[Deal, ...]:
    """The chosen fleet on all terms that have a price, cheapest first: one deal per region and purchase,
    and the same of its nodes in a HyperPod cluster.

    `own` is the offer that it is bought by.
    """
    # The user may want a zone that is not the cheapest.
    best: dict[tuple[str, str, Purchase], Offer] = {(own.instance_type, own.region, own.purchase): own}
    # Spot prices differ by zone.
    for offer in sorted(_offers(chosen, market), key=lambda each: (each.usd_per_hour_per_node, each.zone_ids)):
        best.setdefault((offer.instance_type, offer.region, offer.purchase), offer)
    run = chosen.run.hours if chosen.run else None
    deals = [_deal(chosen, offer, run, market) for offer in best.values() if _holds(offer, chosen.nodes, run, market)]
    return tuple(sorted(deals, key=lambda deal: (_usd(deal), deal.region, deal.purchase, deal.instance_type)))


def _holds(offer: Offer, nodes: int, run: RunHours | None, market: Market) -> bool:
    """Whether there are terms as large and as long as the fleet's: of Capacity Blocks there may be none."""
    return run is None or isfinite(paid_node_hours(offer.purchase, nodes, run, market.held_for(offer)))


def _usd(deal: Deal) -> Decimal:
    """What a run costs, or a month where there is none."""
    return deal.usd_per_month if deal.usd_per_run is None else deal.usd_per_run


def _offers(chosen: Candidate, market: Market) -> Iterable[Offer]:
    every = (*market.offers, *market.other_offers)
    plain = (each for each in every if each.instance_type == chosen.instance_type)
    managed = (each for each in market.hyperpod_offers(chosen.instance_type) if each.region in market.regions)
    return (*plain, *managed)


def _deal(chosen: Candidate, offer: Offer, run: RunHours | None, market: Market) -> Deal:
    usd, nodes = offer.usd_per_hour_per_node, chosen.nodes
    held = market.held_for(offer)
    committed_hours = committed_node_hours(offer.purchase, nodes, run, held)
    committed = None if committed_hours is None else usd * Decimal(committed_hours)
    paid = idle = None
    if run is not None:
        paid = cents(usd_of_hours(offer, nodes, paid_node_hours(offer.purchase, nodes, run, held), market, run))
        used = usd_of_hours(offer, nodes, nodes * run.expected, market, run)
        idle = None if committed is None else cents(committed - used)
    return Deal(
        instance_type=offer.instance_type,
        region=offer.region,
        purchase=offer.purchase,
        zone_ids=offer.zone_ids,
        usd_per_hour_per_node=offer.usd_per_hour_per_node,
        usd_per_run=paid,
        usd_per_month=cents(usd * nodes * HOURS_PER_MONTH),
        committed_usd=None if committed is None else cents(committed),
        idle_usd=idle,
        nodes_allowed=market.nodes_allowed(offer.instance_type, offer.purchase, offer.region),
        provenance=offer.provenance,
    )
