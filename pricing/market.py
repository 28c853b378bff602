"""What can be bought in these regions, on these terms, and where the market has a gap, why?

The market is the bundled snapshot so far; it says how old it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pricing.bundle_prices import Zones, load_offers, offerings, price_rows
from pricing.catalog import DATA, load_instance_types
from pricing.errors import MarketError
from pricing.instance_type import InstanceType
from pricing.offer import Offer, Purchase
from pricing.wording import close_match, listed

# EC2 knows three classes of usage; commitments are discounts on the first.
_USAGE_CLASS = {
    Purchase.SPOT: "spot",
    Purchase.CAPACITY_BLOCK: "capacity-block",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The offers of some regions and purchases, with what explains those that are missing.

    `offers` are those asked for, `other_offers` the same regions' on other terms. `zone_ids` says where types
    are sold, in every region known. `notes` are sentences for every report: source and age of the prices.
    """

    instance_types: Mapping[str, InstanceType]
    offers: tuple[Offer, ...]
    other_offers: tuple[Offer, ...]
    regions: tuple[str, ...]
    zone_ids: Zones
    notes: tuple[str, ...]

    def region_of(self, zone_id: str) -> str | None:
        """The region that a zone belongs to; None where no type is known to be sold there."""
        return next((region for (_, region), zones in self.zone_ids.items() if zone_id in zones), None)

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


def load_market(regions: Sequence[str], purchases: Collection[Purchase], folder: Path = DATA) -> Market:
    """The bundled market of some regions and purchases.

    Raises MarketError for a region of which neither a price nor an offering is known, CatalogError where the
    bundle itself is malformed.
    """
    zones = offerings(folder)
    _refuse_unknown(regions, known_regions(folder))
    every = load_offers(set(regions), folder)
    offers = tuple(each for each in every if each.purchase in purchases)
    return Market(
        instance_types=load_instance_types(folder),
        offers=offers,
        other_offers=tuple(each for each in every if each.purchase not in purchases),
        regions=tuple(regions),
        zone_ids=zones,
        notes=(*_age(offers), *_foreign_currencies(regions, folder)),
    )


def known_regions(folder: Path = DATA) -> frozenset[str]:
    """The regions of which a price or an offering is known."""
    return frozenset({region for _, region in offerings(folder)} | {row.region for row in price_rows(folder)})


def known_zones(folder: Path = DATA) -> Mapping[str, str]:
    """The region of every zone of which an offering is known."""
    return {zone: region for (_, region), zones in offerings(folder).items() for zone in zones}


def _refuse_unknown(regions: Sequence[str], known: Collection[str]) -> None:
    findings = [
        f"No price and no offering is known of a region {region}{close_match(region, known)}"
        for region in regions
        if region not in known
    ]
    if findings:
        raise MarketError(findings)


def _age(offers: tuple[Offer, ...]) -> Iterable[str]:
    if offers:
        dates = [each.provenance.as_of for each in offers]
        yield f"Prices: bundled snapshot; the newest held on {max(dates)}, the oldest on {min(dates)}."
    if any(each.purchase is Purchase.SPOT for each in offers):
        yield "Bundled spot prices are indicative only: they move by the hour."


def _foreign_currencies(regions: Sequence[str], folder: Path) -> Iterable[str]:
    foreign = {(row.region, row.currency) for row in price_rows(folder) if row.currency != "USD"}
    for region, currency in sorted(foreign):
        if region in regions:
            yield f"Prices of {region} are known in {currency} only and are left out: plans are in USD."
