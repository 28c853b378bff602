"""What does an instance cost on demand and reserved? (Price List GetProducts; needs credentials)"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pricing.aws.listed_products import listed_products, pricing_client
from pricing.aws.price_terms import Rate, Term, is_metal, is_wanted, key, listing
from pricing.aws.session import pricing_region
from pricing.price import Listing

SERVICE = "AmazonEC2"
# What GetProducts takes in a filter (botocore's model).
FILTER_CHARACTERS = 1024
_PLAIN = {
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
    "licenseModel": "No License required",
    "locationType": "AWS Region",
}
_SKU = re.compile(r'"sku"\s*:\s*"(\w+)"')


def price_list(region: str, types: Collection[str], today: date) -> Listing:
    """On-demand and Standard reserved prices per hour of instance types in a region, Linux and Windows.

    Asks where the Price List API is, which need not be near `region`, and asks for pages, not for types. Raises
    MarketError without credentials, permission (`pricing:GetProducts`), network or such an API in the partition;
    what it could not make sense of, and prices that contradict each other, are findings.
    """
    place = pricing_region(region)
    api = pricing_client(place)
    items = [item for filters in _requests(region, types) for item in listed_products(api, place, SERVICE, filters)]
    return read_price_list(items, region, types, today)


def read_price_list(items: Iterable[str], region: str, types: Collection[str], today: date) -> Listing:
    """The prices in `PriceList`, which is a list of JSON texts, one product with its terms each."""
    terms: list[Term] = []
    findings: list[str] = []
    for item in items:
        try:
            terms += _terms(json.loads(item), region, types)
        except (ValueError, TypeError, KeyError, AttributeError):
            named = _SKU.search(str(item))
            sku = f"of SKU {named[1]}" if named else "without a SKU"
            findings.append(f"{region}: an item {sku} of the price list is malformed and left out.")
    return listing(terms, region, today, findings)


def _requests(region: str, types: Collection[str]) -> Iterator[list[dict[str, str]]]:
    """The filters of each request: whole machines have a tenancy of their own, and many names make two requests.

    ANY_OF takes its values between commas (AWS's own pricing MCP server joins them so). The whole region would be
    some twenty pages instead of three, and instanceFamily groups by purpose, not by generation.
    """
    metal = sorted(filter(is_metal, types))
    for names, tenancy in ((sorted(set(types) - set(metal)), "Shared"), (metal, "Shared,Dedicated")):
        for joined in _joined(names):
            yield [
                {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
                {"Type": "ANY_OF", "Field": "instanceType", "Value": joined},
                {"Type": "ANY_OF", "Field": "operatingSystem", "Value": "Linux,Windows"},
                {"Type": "ANY_OF", "Field": "tenancy", "Value": tenancy},
                *({"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in _PLAIN.items()),
            ]


def _joined(names: Iterable[str]) -> Iterator[str]:
    text = ""
    for name in names:
        longer = f"{text},{name}" if text else name
        if len(longer) > FILTER_CHARACTERS:
            yield text
            longer = name
        text = longer
    if text:
        yield text


def _terms(item: Mapping[str, Any], region: str, types: Collection[str]) -> list[Term]:
    product = item["product"]
    attributes = {key(name): str(value) for name, value in product["attributes"].items()}
    attributes["productfamily"] = product.get("productFamily", "")
    if not is_wanted(attributes, region, types):
        return []
    published, version = str(item.get("publicationDate", ""))[:10], item.get("version", "")
    source = f"AWS Price List, published {published}, version {version}"
    return [
        Term(
            sku=product["sku"],
            product=attributes,
            kind=kind,
            conditions={key(name): str(value) for name, value in term.get("termAttributes", {}).items()},
            effective=str(term.get("effectiveDate", "")),
            rates=tuple(_rate(dimension) for dimension in term["priceDimensions"].values()),
            source=source,
        )
        for kind, terms in item.get("terms", {}).items()
        for term in terms.values()
    ]


def _rate(dimension: Mapping[str, Any]) -> Rate:
    """A price dimension; in USD where it is stated so among others, else in the one currency that there is."""
    prices = dimension["pricePerUnit"]
    currency = "USD" if "USD" in prices else " or ".join(sorted(prices))
    if currency not in prices:
        raise ValueError(f"priced in {currency or 'no currency'}")
    return Rate(unit=str(dimension["unit"]), price=prices[currency], currency=currency)
