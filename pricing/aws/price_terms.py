"""Which prices do the terms of a price list state, whether GetProducts or a file brought them?

The attributes are those of the AmazonEC2 offer file. Of a SKU's terms the on-demand one counts, and the reserved
ones of the class Standard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal

from msgspec import Struct

from pricing.aws.quotes import Quote, amount, in_force, plain, settled
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import Listing, PriceRow
from pricing.units import HOUR_S, YEAR_S

_RESERVED = {"1yr": (Purchase.RESERVED_1YR, 1), "3yr": (Purchase.RESERVED_3YR, 3)}
_PAYMENTS = {
    "noupfront": Payment.NO_UPFRONT,
    "partialupfront": Payment.PARTIAL_UPFRONT,
    "allupfront": Payment.ALL_UPFRONT,
}
# What a plain instance has, and every other SKU of its type lacks in one place: SQL Server, licences of one's own,
# unused reservations, Local Zones, and Capacity Blocks, whose price on demand is zero. An attribute that the list
# leaves out (as the file's empty cell for "NA") excludes nothing, except the state of the capacity.
_PLAIN = {
    "operatingsystem": {"linux", "windows"},
    "preinstalledsw": {"na", ""},
    "capacitystatus": {"used"},
    "marketoption": {"ondemand", ""},
    "licensemodel": {"no license required", ""},
    "locationtype": {"aws region", ""},
    "productfamily": {"compute instance", "compute instance (bare metal)"},
}
# What tells the reserved terms of one SKU apart.
_CONDITIONS = ("leasecontractlength", "purchaseoption", "offeringclass")
_BLOCK_OPERATION = ":CB"


class Rate(Struct, frozen=True, kw_only=True):
    """One price of a term, as it is printed: per hour (`Hrs`), or a fee at its start (`Quantity`)."""

    unit: str
    price: str
    currency: str


class Term(Struct, frozen=True, kw_only=True):
    """On which terms a SKU is sold. `product` and `conditions` are its attributes, by `key`.

    `kind` is `OnDemand` or `Reserved`, `source` the list's name with its date and version.
    """

    sku: str
    product: Mapping[str, str]
    kind: str
    conditions: Mapping[str, str]
    effective: str
    rates: tuple[Rate, ...]
    source: str


def key(attribute: str) -> str:
    """The name of an attribute, the same for `preInstalledSw` and the file's `Pre Installed S/W`."""
    return "".join(filter(str.isalnum, attribute)).lower()


def is_metal(instance_type: str) -> bool:
    """Whether a type is a whole machine: its own product family, sold under dedicated tenancy too."""
    return ".metal" in instance_type


def is_wanted(product: Mapping[str, str], region: str, types: Collection[str]) -> bool:
    """Whether a product, its attributes by `key`, is a plain instance of one of the types in the region."""
    name = product.get("instancetype", "")
    tenancies = {"shared", "dedicated"} if is_metal(name) else {"shared"}
    return (
        name in types
        and product.get("regioncode") in (region, "", None)
        and product.get("tenancy", "").lower() in tenancies
        and not product.get("operation", "").endswith(_BLOCK_OPERATION)
        and all(product.get(attribute, "").lower() in values for attribute, values in _PLAIN.items())
    )


def listing(terms: Iterable[Term], region: str, today: date, findings: Iterable[str] = ()) -> Listing:
    """The prices of wanted products' terms, as known on `today`; `findings` come first among the listing's.

    A term that makes no sense is left out, with a finding that names its SKU; no term at all is a finding too.
    """
    quotes, found, sold = [], list(findings), _current(terms, today)
    if not sold:
        found.append(f"{region}: the price list has none of the instance types asked for.")
    for term in sold:
        try:
            quote = _quote(term, region, today)
        except ValueError as error:
            found.append(f"{region}: a price of SKU {term.sku} is malformed and left out: {error}.")
        else:
            quotes += [quote] if quote else []
    return settled(quotes, found)


def _current(terms: Iterable[Term], today: date) -> list[Term]:
    """The terms without those announced for later, where the same SKU is sold on the same terms today."""
    groups: dict[tuple[str, ...], list[Term]] = {}
    for term in terms:
        terms_of_sale = (term.conditions.get(name, "") for name in _CONDITIONS)
        groups.setdefault((term.sku, term.kind, *terms_of_sale), []).append(term)
    found: list[Term] = []
    for group in groups.values():
        found += in_force(group, _starts_on, today)
    return found


def _starts_on(term: Term) -> date | None:
    """The day from which a term holds; None where it states none, or no day (which `_quote` tells of)."""
    try:
        return date.fromisoformat(term.effective[:10])
    except ValueError:
        return None


def _quote(term: Term, region: str, today: date) -> Quote | None:
    sold = _purchase(term)
    if sold is None:
        return None
    purchase, payment, years = sold
    exact, currency = _price(term.rates, payment, years)
    price = plain(exact)
    if not price:
        return None
    effective = date.fromisoformat(term.effective[:10]) if term.effective else None
    row = PriceRow(
        instance_type=term.product["instancetype"],
        region=region,
        purchase=purchase,
        payment=payment,
        price_per_hour_per_node=price,
        currency=currency,
        operating_system=term.product["operatingsystem"].lower(),
        zone_id="",
        provenance=Provenance(source=term.source, as_of=today, effective=effective),
    )
    return Quote(row=row, said_by=f"SKU {term.sku}", spare=term.product["tenancy"].lower() != "shared")


def _purchase(term: Term) -> tuple[Purchase, Payment, int] | None:
    if term.kind == "OnDemand":
        return Purchase.ON_DEMAND, Payment.UNSTATED, 0
    lease = _RESERVED.get(key(term.conditions.get("leasecontractlength", "")))
    payment = _PAYMENTS.get(key(term.conditions.get("purchaseoption", "")))
    standard = term.conditions.get("offeringclass", "").lower() == "standard"
    if term.kind != "Reserved" or not standard or lease is None or payment is None:
        return None
    return lease[0], payment, lease[1]


def _price(rates: tuple[Rate, ...], payment: Payment, years: int) -> tuple[Decimal, str]:
    """The price per hour, fee folded in, and its currency; zero where a part that the terms have is zero."""
    hourly, fee = _part(rates, "hrs"), _part(rates, "quantity")
    currencies = {each.currency for each in rates}
    if len(currencies) != 1 or "" in currencies:
        raise ValueError(f"its currencies are {sorted(currencies)}, not one")
    # Some lists leave out the hourly part where all is paid at the start, and the fee where nothing is.
    owed = [] if payment is Payment.ALL_UPFRONT else [hourly]
    owed += [fee] if payment in (Payment.PARTIAL_UPFRONT, Payment.ALL_UPFRONT) else []
    if None in owed:
        raise ValueError(f"its units are {sorted(each.unit for each in rates)}")
    hours = Decimal(years * YEAR_S // HOUR_S)
    total = (hourly or Decimal(0)) + (fee / hours if fee and hours else Decimal(0))
    return total if all(owed) else Decimal(0), currencies.pop()


def _part(rates: tuple[Rate, ...], unit: str) -> Decimal | None:
    prices = {amount(each.price) for each in rates if each.unit.lower() == unit}
    if len(prices) > 1:
        raise ValueError(f"it has {len(prices)} prices per {unit}")
    return prices.pop() if prices else None
