"""What does a region take for storage, networks, logs and control planes? (Price List GetProducts)"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from pricing.aws.bands import Bands, Product, bands, is_usage, products, scaled
from pricing.aws.component_table import SOURCES, Query, Source
from pricing.aws.listed_products import PAGE, listed_products, pricing_client
from pricing.aws.pages import pages
from pricing.aws.pcs import controllers, service_codes
from pricing.aws.quotes import in_force
from pricing.aws.session import asked, pricing_region
from pricing.errors import MarketError
from pricing.offer import Provenance
from pricing.price import Component, ComponentPrice

PCS_ACTION = "pricing:DescribeServices"


class ComponentListing(Struct, frozen=True, kw_only=True):
    """Prices of components, and in whole sentences which of them are unknown, and why."""

    rows: tuple[ComponentPrice, ...]
    findings: tuple[str, ...]


def component_prices(region: str, today: date) -> ComponentListing:
    """The price of every component in a region, in bands where use has bands; unknown ones are findings.

    Takes some twenty requests, whatever the region. One that fails leaves the others; where the first fails,
    all would. Raises MarketError then: without credentials, permission (`pricing:GetProducts`), network or a
    Price List API in the partition.
    """
    place = pricing_region(region)
    api = pricing_client(place)
    by_query: defaultdict[Query, dict[Component, Source]] = defaultdict(dict)
    for component, source in SOURCES.items():
        by_query[source.query][component] = source
    rows: list[ComponentPrice] = []
    findings: list[str] = []
    for count, (query, sources) in enumerate(by_query.items()):
        try:
            listing = read_components(_items(api, query, region, place), sources, region, today)
        except MarketError as error:
            if not count:
                raise
            findings += error.findings
        else:
            rows += listing.rows
            findings += listing.findings
    listing = _controllers(api, region, place, today)
    return ComponentListing(rows=(*rows, *listing.rows), findings=(*findings, *listing.findings))


def read_components(
    items: Iterable[str], sources: Mapping[Component, Source], region: str, today: date
) -> ComponentListing:
    """The prices of some components among the products of one `PriceList`."""
    known, malformed = products(items)
    listings = [
        settled(component, (each for each in known if is_usage(each, source.usage)), source.units, region, today)
        for component, source in sources.items()
    ]
    return _joined(listings, [f"{region}: {each}" for each in malformed])


def settled(
    component: Component, candidates: Iterable[Product], units: Mapping[str, int], region: str, today: date
) -> ComponentListing:
    """A component's rows, where its products agree on one price; else none, and why."""
    found: dict[object, Bands] = {}
    faults = []
    for product in candidates:
        try:
            found |= {(each.currency, each.steps): each for each in _current(product, units, today)}
        except ValueError as error:
            faults.append(f"{region}, {component}: {product.usage} is left out: {error}.")
    if len(found) == 1:
        (one,) = found.values()
        return ComponentListing(rows=tuple(_rows(component, one, region, today)), findings=tuple(faults))
    if found:
        said = " and ".join(sorted(f"{each.usage} at {_shown(each)}" for each in found.values()))
        return _unknown(*faults, f"{region}, {component}: the price list has {said}; it counts as unknown.")
    return _unknown(*faults or [f"{region}, {component}: the price list has no price; it counts as unknown."])


def _current(product: Product, units: Mapping[str, int], today: date) -> Iterator[Bands]:
    return (scaled(each, units) for each in in_force(bands(product), lambda each: each.effective, today))


def _rows(component: Component, one: Bands, region: str, today: date) -> Iterator[ComponentPrice]:
    provenance = Provenance(source=f"AWS Price List, {one.usage}", as_of=today, effective=one.effective)
    for starts_at, price in one.steps:
        yield ComponentPrice(
            component=component,
            region=region,
            price=price,
            currency=one.currency,
            starts_at=starts_at,
            provenance=provenance,
        )


def _shown(each: Bands) -> str:
    return " then ".join(f"{price:f}" for _, price in each.steps) + f" {each.currency}"


def _unknown(*findings: str) -> ComponentListing:
    return ComponentListing(rows=(), findings=findings)


def _joined(listings: Iterable[ComponentListing], findings: Iterable[str] = ()) -> ComponentListing:
    every = list(listings)
    return ComponentListing(
        rows=tuple(row for each in every for row in each.rows),
        findings=(*findings, *(text for each in every for text in each.findings)),
    )


def _items(api: Any, query: Query, region: str, place: str) -> list[str]:
    matches = [("TERM_MATCH", field, value) for field, value in query.filters]
    matches += [("TERM_MATCH", query.region_field, region)] if query.region_field else []
    matches += [("CONTAINS", "usagetype", query.usage)] if query.usage else []
    filters = [{"Type": kind, "Field": field, "Value": value} for kind, field, value in matches]
    return listed_products(api, place, query.service, filters)


def _controllers(api: Any, region: str, place: str, today: date) -> ComponentListing:
    """PCS's controllers, in whichever list their service has."""
    try:
        with asked(PCS_ACTION, place):
            answers = pages(api.describe_services, FormatVersion="aws_v1", MaxResults=PAGE)
        codes = service_codes(each for page in answers for each in page.get("Services", ()))
        items = [item for code in codes for item in _items(api, Query(code), region, place)]
    except MarketError as error:
        return _unknown(*error.findings)
    known, malformed = products(items)
    sizes = [settled(component, found, units, region, today) for component, found, units in controllers(known)]
    return _joined(sizes, [f"{region}: {each}" for each in malformed])
