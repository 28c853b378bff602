"""What can be bought in these regions, on these terms, and where the market has a gap, why?

Prices come from AWS, from what it said before, or from the bundle: the market says from which, and how old they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from msgspec import Struct, field

from pricing.basis import Prices
from pricing.bundle import bundled
from pricing.bundle_prices import offerings
from pricing.catalog import DATA, load_instance_types
from pricing.feed import FEED_OF, Feed, Offering, Place, Row
from pricing.instance_type import InstanceType
from pricing.known import Knowledge, Origin, know
from pricing.notes import foreign_currencies, notes_on
from pricing.offer import Offer, Purchase, Zones
from pricing.offers import block_offers, offers_of
from pricing.parallel import Watch
from pricing.price import Block, Component, ComponentPrice, Interruption, PriceRow, Quota, Reservation
from pricing.quota import nodes_allowed
from pricing.regions import refuse_unknown, zone_prefix
from pricing.reservation import Held, held
from pricing.sagemaker import hyperpod_price, is_of_cluster
from pricing.snapshot import AnyRow
from pricing.wording import listed

Components = Mapping[tuple[Component, str], tuple[ComponentPrice, ...]]
"""Prices by component and region: one, or a band of use each, ascending."""

# EC2 knows three classes of usage; commitments are discounts on the first.
_USAGE_CLASS = {
    Purchase.SPOT: "spot",
    Purchase.CAPACITY_BLOCK: "capacity-block",
}


class Market(Struct, frozen=True, kw_only=True):
    """The offers of some regions and purchases, with what explains those that are missing.

    `offers` are those asked for, `other_offers` the same regions' on other terms. `zone_ids` says where types
    are sold, in every region known. `notes` are sentences for every report: source and age of the prices.

    What stands beside instances: `components` by what is bought and where, from the first band of use to the last;
    `sagemaker` has the prices of `ml.` types, `blocks` the Capacity Blocks on offer, `interruptions` how often spot
    instances of a type are taken back in a region, `quotas` what the account allows, and `held` the reservation that
    the plan is to use. Of whatever is missing in them nothing is known. `foreign` are the types and regions with a
    price in that other currency.
    """

    instance_types: Mapping[str, InstanceType]
    offers: tuple[Offer, ...]
    other_offers: tuple[Offer, ...]
    regions: tuple[str, ...]
    zone_ids: Zones
    notes: tuple[str, ...]
    components: Components = field(default_factory=dict)
    sagemaker: tuple[PriceRow, ...] = ()
    blocks: tuple[Block, ...] = ()
    interruptions: Mapping[tuple[str, str], Interruption] = field(default_factory=dict)
    quotas: tuple[Quota, ...] = ()
    held: Held | None = None
    foreign: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def nodes_allowed(self, instance_type: str, purchase: Purchase, region: str) -> int | None:
        """How many nodes of a type the account's quota allows in a region; None where that is unknown."""
        kind = self.instance_types.get(instance_type.removeprefix("ml."))
        return nodes_allowed(self.quotas, instance_type, kind.vcpus, purchase, region) if kind else None

    def sagemaker_price(self, instance_type: str, region: str) -> Decimal | None:
        """USD per hour of a type as a HyperPod node, on demand; None where that is unknown."""
        row = hyperpod_price((each for each in self.sagemaker if each.currency == "USD"), instance_type, region)
        return row.price_per_hour_per_node if row else None

    def held_for(self, offer: Offer) -> Held | None:
        """The reservation, where what is bought by this offer runs in it."""
        return self.held if self.held and self.held.serves(offer) else None

    def hyperpod_offers(self, instance_type: str) -> tuple[Offer, ...]:
        """A type as a HyperPod node, on demand and under SageMaker's Savings Plans; the zones are not known."""
        rows = (each for each in self.sagemaker if each.instance_type == f"ml.{instance_type}")
        return offers_of(filter(is_of_cluster, rows), {})

    def region_of(self, zone_id: str) -> str | None:
        """The region that a zone belongs to; None where none of these regions has it."""
        listing = (region for (_, region), zones in self.zone_ids.items() if zone_id in zones)
        blind = set(self.regions) - {region for _, region in self.zone_ids}
        return next(listing, None) or next((each for each in blind if zone_id.startswith(zone_prefix(each))), None)

    def gap(self, instance_type: str, purchases: Collection[Purchase]) -> str:
        """Why no offer of an instance type exists on these terms, as a sentence; empty where one exists.

        `instance_type` must be one of `instance_types`.
        """
        offers = [each for each in (*self.offers, *self.other_offers) if each.instance_type == instance_type]
        if any(each.purchase in purchases for each in offers):
            return ""
        kind = self.instance_types[instance_type]
        classes = {_USAGE_CLASS.get(each, "on-demand") for each in purchases}
        sold_in = [region for region in self.regions if (instance_type, region) in self.zone_ids]
        if kind.retired:
            return f"{instance_type} is retired: EC2 no longer offers it."
        if kind.usage_classes and not classes & kind.usage_classes:
            only = f"is sold as {listed(kind.usage_classes)} only"
            return f"{instance_type} {only}, not as {listed(purchases, 'or')}."
        elsewhere = {key[1]: currency for key, currency in self.foreign.items() if key[0] == instance_type}
        if elsewhere and not offers:
            currencies = listed(set(elsewhere.values()))
            return f"Prices of {instance_type} in {listed(elsewhere)} are known in {currencies} only; plans are in USD."
        if not sold_in:
            return self._not_offered(instance_type)
        known = {each.purchase for each in offers}
        others = f"; the prices known there are {listed(known)}" if known else ""
        missing = f"no price as {listed(purchases, 'or')} is known"
        return f"{instance_type} is sold in {listed(sold_in)}, but {missing}{others}."

    def _not_offered(self, instance_type: str) -> str:
        elsewhere = [region for name, region in self.zone_ids if name == instance_type]
        if not elsewhere:
            return f"No source lists where {instance_type} is offered, and no price is known."
        covered = {region for _, region in self.zone_ids} & set(self.regions)
        here = listed(covered or self.regions, "or")
        if not covered:
            return f"No price of {instance_type} and no list of offers is known in {here}."
        return f"{instance_type} is not offered in {here}, but in {listed(elsewhere)}."


def load_market(
    regions: Sequence[str],
    purchases: Collection[Purchase],
    *,
    prices: Prices = Prices.AUTO,
    alone: bool = False,
    reservation: str | None = None,
    now: datetime | None = None,
    watch: Watch | None = None,
    folder: Path = DATA,
) -> Market:
    """The market of some regions and purchases, as known at `now` (UTC; the clock's time unless given).

    `alone`: AWS is asked for these purchases' prices and zones only, and for nothing that a plan sets beside them.
    `reservation` is the id of the account's own capacity that the plan is to use.
    `watch` is shown what AWS is asked. Raises MarketError for a region of which neither a price nor an
    offering is known, CatalogError where the bundle itself is malformed; whatever AWS does is a note.
    """
    refuse_unknown(regions, folder)
    now = now or datetime.now(UTC)
    needed = _needed(regions, purchases, prices, alone=alone)
    needed += [(region, Feed.RESERVATIONS) for region in regions if reservation]
    every = {(region, feed) for region in regions for feed in Feed}
    knowledge = know(needed, sorted(every - set(needed)), prices, now, watch=watch, folder=folder)
    zones = _zones(knowledge, offerings(folder))
    # What started yesterday can no longer be bought.
    blocks = tuple(each for each in _rows(knowledge, Block) if each.starts_at.date() >= now.date())
    priced = (*_offers(knowledge, zones), *block_offers(blocks, now.date()))
    offers = tuple(each for each in priced if each.purchase in purchases)
    return Market(
        instance_types=load_instance_types(folder),
        offers=offers,
        other_offers=tuple(each for each in priced if each.purchase not in purchases),
        regions=tuple(regions),
        zone_ids=zones,
        notes=(
            *notes_on(knowledge, needed, offers, now),
            *foreign_currencies(knowledge, needed),
            *_no_reservation(knowledge, reservation),
        ),
        components=_components(knowledge, folder),
        sagemaker=_rows(knowledge, PriceRow, Feed.SAGEMAKER),
        blocks=blocks,
        interruptions={(each.instance_type, each.region): each for each in _rows(knowledge, Interruption)},
        quotas=_rows(knowledge, Quota),
        held=next((held(each, now) for each in _rows(knowledge, Reservation) if each.id == reservation), None),
        foreign={
            (row.instance_type, row.region): row.currency
            for row in _rows(knowledge, PriceRow)
            if row.currency != "USD" and row.purchase in purchases
        },
    )


def _needed(regions: Sequence[str], purchases: Collection[Purchase], prices: Prices, *, alone: bool) -> list[Place]:
    """What AWS may be asked for, the prices first, since they matter most where time runs out."""
    feeds = [FEED_OF[each] for each in Purchase if each in purchases] + [Feed.OFFERINGS]
    if not alone:
        feeds += [Feed.QUOTAS] + [Feed.INTERRUPTIONS] * (Purchase.SPOT in purchases)
        # Other terms, HyperPod, disks and gateways are dozens of requests, which only who asks for live prices awaits.
        feeds += [each for each in Feed if each is not Feed.RESERVATIONS] * (prices is Prices.LIVE)
    return [(region, feed) for feed in dict.fromkeys(feeds) for region in dict.fromkeys(regions)]


def _no_reservation(knowledge: Knowledge, reservation: str | None) -> Iterator[str]:
    """A sentence where every region has been asked for a reservation that none of them has."""
    places = {region: known for (region, feed), known in knowledge.places.items() if feed is Feed.RESERVATIONS}
    asked = all(each.origin is not Origin.BUNDLE for each in places.values())
    if reservation and asked and all(each.id != reservation for each in _rows(knowledge, Reservation)):
        yield f"The account has no reservation {reservation} in {listed(places)} that is active or to come."


def _zones(knowledge: Knowledge, bundled: Zones) -> Zones:
    """Where types are sold in every region; a region's whole list takes the place of the bundle's."""
    listed_anew = {
        region
        for (region, feed), known in knowledge.places.items()
        if feed is Feed.OFFERINGS and known.origin is not Origin.BUNDLE
    }
    if not listed_anew:
        return bundled
    kept = {key: zones for key, zones in bundled.items() if key[1] not in listed_anew}
    found = (row for row in _rows(knowledge, Offering) if row.region in listed_anew)
    return kept | {(row.instance_type, row.region): row.zone_ids for row in found}


def _offers(knowledge: Knowledge, zones: Zones) -> tuple[Offer, ...]:
    rows = [row for feed in dict.fromkeys(FEED_OF.values()) for row in _rows(knowledge, PriceRow, feed)]
    return offers_of(rows, zones)


def _components(knowledge: Knowledge, folder: Path) -> Components:
    """Bands by component and region, in USD.

    Each component is a listing of its own: one that AWS's answer lacks, because its service refused, keeps the price
    that the bundle knows.
    """
    found: dict[tuple[Component, str], tuple[ComponentPrice, ...]] = {}
    for place, known in knowledge.places.items():
        if place[1] is Feed.COMPONENTS:
            found |= _bands(bundled(place, folder).rows) | _bands(known.snapshot.rows)
    return found


def _bands(rows: Iterable[Row]) -> dict[tuple[Component, str], tuple[ComponentPrice, ...]]:
    bands: defaultdict[tuple[Component, str], list[ComponentPrice]] = defaultdict(list)
    for row in rows:
        if isinstance(row, ComponentPrice) and row.currency == "USD":
            bands[row.component, row.region].append(row)
    return {key: tuple(sorted(each, key=lambda row: row.starts_at)) for key, each in bands.items()}


def _rows(knowledge: Knowledge, kind: type[AnyRow], feed: Feed | None = None) -> tuple[AnyRow, ...]:
    return tuple(
        row
        for (_, place), known in knowledge.places.items()
        for row in known.snapshot.rows
        if feed in (None, place) and isinstance(row, kind)
    )
