"""What does an hour cost under a savings plan? (Savings Plans DescribeSavingsPlansOfferingRates; needs credentials)

`rate` is what an hour takes from the commitment, whichever part of that is paid at the start: it is the effective
price. EC2's plans come as rows of instance types, SageMaker's as rows of `ml.` types.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from pricing.aws.pages import pages
from pricing.aws.price_terms import is_metal
from pricing.aws.quotes import Quote, amount, plain, settled
from pricing.aws.session import asked, client
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import Listing, PriceRow
from pricing.units import YEAR_S

ACTION = "savingsplans:DescribeSavingsPlansOfferingRates"
PAGE = 1000
LINUX = "Linux/UNIX"
# Usage types carry a prefix for every region but us-east-1. HyperPod's nodes are billed as `Cluster`.
_USAGE = re.compile(r"(?:^|-)(BoxUsage|DedicatedUsage|Cluster|Train):(.+)")
_OF_EC2 = ("BoxUsage", "DedicatedUsage")
_SPARE = ("DedicatedUsage", "Train")
_SAID = {"BoxUsage": "", "DedicatedUsage": "", "Cluster": ", Cluster (HyperPod)", "Train": ", Train (training jobs)"}
_PAYMENTS = {
    "No Upfront": Payment.NO_UPFRONT,
    "Partial Upfront": Payment.PARTIAL_UPFRONT,
    "All Upfront": Payment.ALL_UPFRONT,
}
_PURCHASES = {
    ("EC2Instance", YEAR_S): Purchase.SAVINGS_PLAN_1YR,
    ("EC2Instance", 3 * YEAR_S): Purchase.SAVINGS_PLAN_3YR,
    ("Compute", YEAR_S): Purchase.COMPUTE_SAVINGS_PLAN_1YR,
    ("Compute", 3 * YEAR_S): Purchase.COMPUTE_SAVINGS_PLAN_3YR,
    # No other plan covers `ml.` types, so that theirs needs no name of its own.
    ("SageMaker", YEAR_S): Purchase.SAVINGS_PLAN_1YR,
    ("SageMaker", 3 * YEAR_S): Purchase.SAVINGS_PLAN_3YR,
}


def savings_plan_rates(region: str, types: Collection[str], today: date) -> Listing:
    """Prices per hour under EC2 Instance and Compute Savings Plans of 1 and 3 years, Linux, shared tenancy.

    The endpoint is one for the whole partition. Raises MarketError without credentials, permission
    (`savingsplans:DescribeSavingsPlansOfferingRates`) or network.
    """
    wanted = {"tenancy": ["shared"], "productDescription": [LINUX], "instanceType": sorted(types)}
    if any(map(is_metal, types)):
        wanted["tenancy"].append("dedicated")
    return read_rates(_rates(region, ["EC2Instance", "Compute"], "EC2", wanted), region, types, today)


def sagemaker_plan_rates(region: str, types: Collection[str], today: date) -> Listing:
    """Prices per hour of `ml.` types under SageMaker Savings Plans of 1 and 3 years; `types` are EC2's names.

    The rate of HyperPod's clusters where the plans list one, else that of training jobs: the source says which.
    Raises MarketError as `savings_plan_rates` does.
    """
    names = {f"ml.{each}" for each in types}
    return read_rates(_rates(region, ["SageMaker"], "SageMaker", {}), region, names, today)


def read_rates(rates: Iterable[Mapping[str, Any]], region: str, types: Collection[str], today: date) -> Listing:
    """The prices in `searchResults`, one per type, plan, term and payment."""
    quotes: list[Quote] = []
    findings: list[str] = []
    for rate in rates:
        try:
            quotes += _quotes(rate, region, types, today)
        except (ValueError, KeyError, TypeError, AttributeError):
            named = rate.get("usageType", "no usage type")
            findings.append(f"{region}: a savings plan's rate of {named} is malformed and left out.")
    return settled(quotes, findings)


def _rates(region: str, plans: list[str], product: str, wanted: Mapping[str, list[str]]) -> list[Mapping[str, Any]]:
    filters = [{"name": name, "values": values} for name, values in {"region": [region], **wanted}.items()]
    with asked(ACTION, region):
        ask = client("savingsplans", region).describe_savings_plans_offering_rates
        # botocore has no paginator for this call.
        read = pages(
            ask,
            "nextToken",
            savingsPlanTypes=plans,
            savingsPlanPaymentOptions=list(_PAYMENTS),
            products=[product],
            filters=filters,
            maxResults=PAGE,
        )
    return [rate for page in read for rate in page["searchResults"]]


def _quotes(rate: Mapping[str, Any], region: str, types: Collection[str], today: date) -> list[Quote]:
    """The quote of a rate, or none where it is not of these types, terms or this region."""
    properties = {each["name"]: each["value"] for each in rate.get("properties", ())}
    usage = _USAGE.search(rate["usageType"])
    if usage is None or usage[2] not in types or properties.get("region", region) != region or rate["unit"] != "Hrs":
        return []
    kind, name = usage[1], usage[2]
    if kind in _OF_EC2 and not _is_plain(rate, properties, name):
        return []
    offering = rate["savingsPlanOffering"]
    purchase = _PURCHASES.get((offering["planType"], offering["durationSeconds"]))
    payment = _PAYMENTS.get(offering["paymentOption"])
    price = plain(amount(rate["rate"]))
    if purchase is None or payment is None or not price:
        return []
    row = PriceRow(
        instance_type=name,
        region=region,
        purchase=purchase,
        payment=payment,
        price_per_hour_per_node=price,
        currency=offering["currency"],
        operating_system="linux",
        zone_id="",
        provenance=Provenance(source=f"AWS Savings Plans, {offering['planType']} plan{_SAID[kind]}", as_of=today),
    )
    return [Quote(row=row, said_by=f"offering {offering['offeringId']}", spare=kind in _SPARE)]


def _is_plain(rate: Mapping[str, Any], properties: Mapping[str, str], name: str) -> bool:
    """Whether a rate of EC2 is for Linux without licences, shared, or a whole machine."""
    tenancy = properties.get("tenancy", "shared").lower()
    return (
        rate.get("operation", "") in ("", "RunInstances")
        and properties.get("productDescription", LINUX) == LINUX
        and (tenancy == "shared" or (tenancy == "dedicated" and is_metal(name)))
    )
