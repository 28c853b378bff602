"""How much may this account run in a region? (Service Quotas ListServiceQuotas)

Quotas are found by their names: public lists give one quota two codes (L-6B0D517C and L-5480EFD2 for spot on
Trainium, three for p5 in HyperPod). A quota that is not listed is unknown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from pricing.aws.pages import pages
from pricing.aws.quota_names import NETWORK_INTERFACES, cluster_name, vcpu_names
from pricing.aws.session import asked, client
from pricing.errors import MarketError
from pricing.price import Quota, QuotaKind

ACTION = "servicequotas:ListServiceQuotas"
# The API's largest page (botocore's model).
PAGE = 100

Listed = Iterable[Mapping[str, Any]]
"""`Quotas` as the API lists them."""


class QuotaListing(Struct, frozen=True, kw_only=True):
    """An account's quotas, and in whole sentences what could not be had or is stated twice."""

    rows: tuple[Quota, ...]
    findings: tuple[str, ...]


def account_quotas(region: str, types: Collection[str]) -> QuotaListing:
    """vCPU quotas of EC2 instance types and the quota of network interfaces.

    A service that refuses is a finding, and leaves the other. Raises MarketError where both do.
    """
    wanted: dict[str, Callable[[Listed], QuotaListing]] = {
        "ec2": lambda listed: read_vcpus(listed, region, types),
        "vpc": lambda listed: read_vpc(listed, region),
    }
    rows: list[Quota] = []
    findings: list[str] = []
    refusals: list[str] = []
    for service, read in wanted.items():
        try:
            listing = read(_listed(service, region))
        except MarketError as error:
            refusals += error.findings
        else:
            rows += listing.rows
            findings += listing.findings
    if len(refusals) == len(wanted):
        raise MarketError(list(dict.fromkeys(refusals)))
    return QuotaListing(rows=tuple(rows), findings=(*findings, *refusals))


def cluster_quotas(region: str, types: Collection[str]) -> QuotaListing:
    """How many instances of EC2's types HyperPod may have. SageMaker lists some thousand quotas: dozens of pages.

    Raises MarketError where it does not come whole.
    """
    return read_clusters(_listed("sagemaker", region), region, types)


def read_vcpus(listed: Listed, region: str, types: Collection[str]) -> QuotaListing:
    """The vCPU quotas of each type, on demand and spot, among those of the service `ec2`."""
    named = _by_name(listed)
    kinds = (QuotaKind.ON_DEMAND_VCPUS, QuotaKind.SPOT_VCPUS)
    wanted = [(kind, each, vcpu_names(kind, each)) for each in sorted(types) for kind in kinds]
    return _found(named, wanted, region)


def read_vpc(listed: Listed, region: str) -> QuotaListing:
    """The quota of network interfaces per region among those of the service `vpc`."""
    return _found(_by_name(listed), [(QuotaKind.NETWORK_INTERFACES, "", (NETWORK_INTERFACES,))], region)


def read_clusters(listed: Listed, region: str, types: Collection[str]) -> QuotaListing:
    """How many instances of a type HyperPod may have, among the quotas of the service `sagemaker`."""
    names = [f"ml.{each.removeprefix('ml.')}" for each in sorted(types)]
    wanted = [(QuotaKind.CLUSTER_INSTANCES, each, (cluster_name(each),)) for each in names]
    return _found(_by_name(listed), wanted, region)


def _listed(service: str, region: str) -> list[Mapping[str, Any]]:
    with asked(ACTION, region):
        ask = client("service-quotas", region).list_service_quotas
        answers = pages(ask, ServiceCode=service, MaxResults=PAGE)
    return [each for page in answers for each in page.get("Quotas", ())]


def _by_name(listed: Listed) -> Mapping[str, set[tuple[str, Decimal]]]:
    """Code and value of each quota by its name, in which case and spaces do not count."""
    named: defaultdict[str, set[tuple[str, Decimal]]] = defaultdict(set)
    for each in listed:
        if "Value" in each:
            stated = str(each.get("QuotaCode", "")), Decimal(str(each["Value"]))
            named[_key(str(each.get("QuotaName", "")))].add(stated)
    return named


def _found(
    named: Mapping[str, set[tuple[str, Decimal]]],
    wanted: Sequence[tuple[QuotaKind, str, tuple[str, ...]]],
    region: str,
) -> QuotaListing:
    rows, findings = [], []
    for kind, subject, names in wanted:
        name = next((each for each in names if _key(each) in named), None)
        if name is None:
            continue
        stated = named[_key(name)]
        if len(stated) == 1:
            ((_, value),) = stated
            rows.append(Quota(kind=kind, subject=subject, region=region, value=value))
        else:
            findings.append(f'The quota "{name}" is listed in {region} as {_differing(stated)}; it counts as unknown.')
    return QuotaListing(rows=tuple(rows), findings=tuple(dict.fromkeys(findings)))


def _differing(stated: Iterable[tuple[str, Decimal]]) -> str:
    return " and as ".join(f"{value:f} ({code})" for code, value in sorted(stated))


def _key(name: str) -> str:
    return re.sub(r"\W+", " ", name).strip().casefold()
