"""What does SageMaker take for its instances, HyperPod's nodes above all? (Price List GetProducts)"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date

from pricing.aws.bands import PER_HOUR, Product, bands, products
from pricing.aws.listed_products import PAGE, listed_products, pricing_client
from pricing.aws.pages import pages
from pricing.aws.quotes import Quote, in_force, settled
from pricing.aws.session import asked, client, pricing_region
from pricing.errors import MarketError
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import Listing, PriceRow
from pricing.sagemaker import HYPERPOD, named
from pricing.wording import listed

COMPONENTS_ACTION = "pricing:GetAttributeValues"
SERVICE = "AmazonSageMaker"
# `USE1-Cluster:ml.g5.8xlarge`. `Cluster:ml.g5.8xlarge-Reserved` and `ReservedCluster:ml.g5.8xlarge` are other SKUs.
_USAGE = re.compile(r"(?:[A-Z]{3}\d-|EU-)?(?!Reserved)[A-Za-z]+:(ml\.[a-z0-9-]+\.[a-z0-9]+)")


def components(region: str) -> tuple[str, ...]:
    """The uses of an instance that SageMaker prices apart: Hosting, Training, Cluster, ...

    `region` decides which Price List API is asked. Raises MarketError as `sagemaker_prices` does, for
    `pricing:GetAttributeValues`.
    """
    place = pricing_region(region)
    with asked(COMPONENTS_ACTION, place):
        ask = client("pricing", place).get_attribute_values
        answers = pages(ask, ServiceCode=SERVICE, AttributeName="component", MaxResults=PAGE)
    return tuple(sorted({each["Value"] for page in answers for each in page.get("AttributeValues", ())}))


def sagemaker_prices(region: str, types: Collection[str], today: date, component: str = HYPERPOD) -> Listing:
    """On-demand prices per hour in a region of the `ml.` instances of some EC2 instance types, for one use.

    The default is HyperPod's; other components' prices differ and must not be mixed with it, so that each has a
    listing of its own, and its name at the head of every source. Raises MarketError without credentials,
    permission (`pricing:GetProducts`), network or a Price List API in the partition, and where there are no prices of
    the component at all, with the components that there are.
    """
    place = pricing_region(region)
    matches = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in (("regionCode", region), ("component", component))
    ]
    items = listed_products(pricing_client(place), place, SERVICE, matches)
    if not items:
        known = listed(components(region) or ("none",), whole=True)
        raise MarketError(f"{region}: SageMaker prices nothing as {component}; its components are {known}.")
    return read_prices(items, region, types, today, component)


def read_prices(
    items: Iterable[str], region: str, types: Collection[str], today: date, component: str = HYPERPOD
) -> Listing:
    """The prices in one `PriceList` of a component; several for one instance leave it unknown, with a finding."""
    known, malformed = products(items)
    findings = [f"{region}: {each}" for each in malformed]
    names = {f"ml.{each.removeprefix('ml.')}" for each in types}
    quotes: list[Quote] = []
    for product in known:
        usage = _USAGE.fullmatch(product.usage)
        if usage is None or usage[1] not in names or product.attributes.get("component", component) != component:
            continue
        try:
            quotes += _quotes(product, usage[1], region, today, component)
        except ValueError as error:
            findings.append(f"{region}: {product.usage} is left out: {error}.")
    return settled(quotes, findings)


def _quotes(product: Product, name: str, region: str, today: date, component: str) -> Iterator[Quote]:
    for each in in_force(bands(product), lambda each: each.effective, today):
        if each.unit.casefold() not in PER_HOUR or len(each.steps) != 1:
            raise ValueError(f"it is priced per {each.unit} in {len(each.steps)} bands, not per hour")
        source = named(component, f"AWS Price List, {each.usage}")
        row = PriceRow(
            instance_type=name,
            region=region,
            purchase=Purchase.ON_DEMAND,
            payment=Payment.UNSTATED,
            price_per_hour_per_node=each.steps[0][1],
            currency=each.currency,
            operating_system="linux",
            zone_id="",
            provenance=Provenance(source=source, as_of=today, effective=each.effective),
        )
        yield Quote(row=row, said_by=each.usage)
