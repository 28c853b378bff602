"""What does a product of the Price List cost, band by band of monthly use?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct

from pricing.aws.quotes import amount, plain

# `USE2-`, `UGW1-`, `EU-`; none in us-east-1 for most services. Longer beginnings are other products:
# `USE2-TS-LoadBalancerUsage` is a trust store, `USW2-RegionalNatGateway-Hours` another gateway.
_REGION = r"(?:[A-Z]{3}\d-|EU-)?"
_CURRENCIES = {"USD", "CNY"}

PER_HOUR = {"hrs": 1, "hours": 1, "hour": 1}
"""The units of an hour in the list, which services spell each in their way, for `scaled`."""


class Bands(Struct, frozen=True, kw_only=True):
    """The prices of a product: (units a month from which on, price of one), in the unit of the list."""

    usage: str
    unit: str
    currency: str
    steps: tuple[tuple[Decimal, Decimal], ...]
    effective: date | None


class Product(Struct, frozen=True, kw_only=True):
    """A product's attributes, and its on-demand prices as the list has them."""

    attributes: Mapping[str, str]
    terms: tuple[Mapping[str, Any], ...]

    @property
    def usage(self) -> str:
        return self.attributes.get("usagetype", "")


def products(items: Iterable[str]) -> tuple[tuple[Product, ...], tuple[str, ...]]:
    """The products of `PriceList`, JSON texts of one each; and of malformed ones, a sentence."""
    read, findings = [], []
    for item in items:
        try:
            read.append(_product(json.loads(item)))
        except (ValueError, TypeError, KeyError, AttributeError):
            findings.append(f"An item of the price list is malformed and left out: {str(item)[:60]!r}.")
    return tuple(read), tuple(findings)


def is_usage(product: Product, usage: str) -> bool:
    """Whether a product is of a usage type, in whichever region."""
    return re.fullmatch(_REGION + re.escape(usage), product.usage) is not None


def bands(product: Product) -> tuple[Bands, ...]:
    """The bands of each on-demand term of a product; a list has one, and may have a future one beside it.

    Raises ValueError for prices that make no sense: no number, an unknown currency, bands that leave a gap.
    """
    return tuple(_bands(product, term) for term in product.terms)


def scaled(each: Bands, units: Mapping[str, int]) -> Bands:
    """The same bands in a plan's own unit, of which a unit of the list holds so many.

    Raises ValueError for a unit that `units` does not name: what it would price is unknown.
    """
    holds = units.get(each.unit.casefold())
    if holds is None:
        raise ValueError(f"its unit is {each.unit!r}, not {' or '.join(units)}")
    steps = tuple((starts_at * holds, plain(price / holds)) for starts_at, price in each.steps)
    return Bands(usage=each.usage, unit=each.unit, currency=each.currency, steps=steps, effective=each.effective)


def _product(item: Mapping[str, Any]) -> Product:
    attributes = {str(name): str(value) for name, value in item["product"]["attributes"].items()}
    terms = item.get("terms", {}).get("OnDemand", {})
    return Product(attributes=attributes, terms=tuple(dict(term) for term in terms.values()))


def _bands(product: Product, term: Mapping[str, Any]) -> Bands:
    try:
        dimensions = sorted(term["priceDimensions"].values(), key=lambda each: amount(each.get("beginRange", "0")))
        units = {str(each["unit"]) for each in dimensions}
        currencies = {name for each in dimensions for name in each["pricePerUnit"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it has no price as it should ({error!r})") from None
    if len(units) != 1:
        raise ValueError(f"its units are {sorted(units)}, not one")
    currency = "USD" if "USD" in currencies else "".join(sorted(currencies))
    if currency not in _CURRENCIES:
        raise ValueError(f"it is priced in {currency or 'no currency'}")
    begins = [amount(each.get("beginRange", "0")) for each in dimensions]
    prices = [amount(each["pricePerUnit"].get(currency)) for each in dimensions]
    ends = [str(each.get("endRange", "Inf")) for each in dimensions]
    if ends.pop() != "Inf" or begins != [0, *map(amount, ends)]:
        raise ValueError(f"its bands begin at {', '.join(map(str, begins))} and do not join")
    # A free first band is an allowance. A price of zero anywhere else is an unknown one.
    if not all(prices[1:]) or not prices[-1]:
        raise ValueError("it has a price of zero")
    effective = str(term.get("effectiveDate", ""))[:10]
    return Bands(
        usage=product.usage,
        unit=units.pop(),
        currency=currency,
        steps=tuple(zip(begins, prices, strict=True)),
        effective=date.fromisoformat(effective) if effective else None,
    )
