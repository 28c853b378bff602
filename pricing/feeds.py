"""How is each feed fetched?"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from pricing.aws.capacity_blocks import all_blocks
from pricing.aws.components import component_prices
from pricing.aws.offerings import ACTION as OFFERINGS_ACTION
from pricing.aws.offerings import zone_offerings
from pricing.aws.price_file import price_file
from pricing.aws.price_list import price_list
from pricing.aws.quotas import account_quotas, cluster_quotas
from pricing.aws.reservations import reservations
from pricing.aws.sagemaker_prices import sagemaker_prices
from pricing.aws.savings_plans import sagemaker_plan_rates, savings_plan_rates
from pricing.aws.session import has_credentials
from pricing.aws.spot import spot_prices
from pricing.aws.spot_advisor import interruptions
from pricing.blocks import ULTRASERVERS
from pricing.bundle_prices import offerings
from pricing.catalog import load_instance_types
from pricing.errors import MarketError
from pricing.feed import Answer, Feed, Offering
from pricing.offer import Provenance

NO_CREDENTIALS = "no AWS credentials are found"
# What is published for everybody.
_PUBLIC = (Feed.INTERRUPTIONS,)


def fetch(feed: Feed, region: str, now: datetime) -> Answer:
    """Asks AWS for a feed of a region, as of `now` (UTC). Raises MarketError where it does not come whole."""
    if feed not in _PUBLIC and not has_credentials():
        raise MarketError(NO_CREDENTIALS)
    return _FETCH[feed](region, now)


def fetch_or_read_file(feed: Feed, region: str, now: datetime) -> Answer:
    """As `fetch`; prices that the API does not give are read from the region's public price list file.

    That file is some hundred MB: worth it for a refresh, and too much for a plan.
    """
    try:
        return fetch(feed, region, now)
    except MarketError as error:
        if feed is not Feed.PRICES:
            raise
        try:
            listing = price_file(region, load_instance_types(), now.date())
        except MarketError as second:
            raise MarketError([*error.findings, *second.findings]) from None
        why = f"The prices of {region} are from its price list file: {'; '.join(error.findings)}."
        return Answer(rows=listing.rows, findings=(why, *listing.findings))


def _prices(region: str, now: datetime) -> Answer:
    listing = price_list(region, load_instance_types(), now.date())
    return Answer(rows=listing.rows, findings=listing.findings)


def _spot(region: str, now: datetime) -> Answer:
    listing = spot_prices(region, load_instance_types(), now)
    return Answer(rows=listing.rows, findings=listing.findings)


def _savings_plans(region: str, now: datetime) -> Answer:
    listing = savings_plan_rates(region, load_instance_types(), now.date())
    return Answer(rows=listing.rows, findings=listing.findings)


def _capacity_blocks(region: str, now: datetime) -> Answer:
    """The shortest blocks of each type, and of each UltraServer, which say what an hour costs."""
    listing = all_blocks(region, (*_sold_as_blocks(region), *ULTRASERVERS))
    # That a region has none of these UltraServers is nothing to tell.
    refused = (said for name, said in listing.refused.items() if name not in ULTRASERVERS)
    return Answer(rows=listing.blocks, findings=(*refused, *listing.findings))


def _sold_as_blocks(region: str) -> Collection[str]:
    """A type is a request, so that those which the region is known not to sell are left out."""
    zones = offerings()
    listed = any(where == region for _, where in zones)
    return [
        name
        for name, each in load_instance_types().items()
        if "capacity-block" in each.usage_classes and ((name, region) in zones or not listed)
    ]


def _interruptions(region: str, now: datetime) -> Answer:
    return Answer(rows=interruptions(region, load_instance_types(), now.date()))


def _offerings(region: str, now: datetime) -> Answer:
    provenance = Provenance(source=OFFERINGS_ACTION, as_of=now.date())
    zones = zone_offerings(region, load_instance_types())
    return Answer(
        rows=tuple(
            Offering(instance_type=name, region=region, zone_ids=ids, provenance=provenance)
            for (name, _), ids in zones.items()
        )
    )


def _quotas(region: str, now: datetime) -> Answer:
    listing = account_quotas(region, load_instance_types())
    return Answer(rows=listing.rows, findings=listing.findings)


def _cluster_quotas(region: str, now: datetime) -> Answer:
    listing = cluster_quotas(region, load_instance_types())
    return Answer(rows=listing.rows, findings=listing.findings)


def _sagemaker(region: str, now: datetime) -> Answer:
    """Prices of HyperPod's nodes, and rates of SageMaker's plans, whose API another right may close."""
    listing = sagemaker_prices(region, load_instance_types(), now.date())
    try:
        plans = sagemaker_plan_rates(region, load_instance_types(), now.date())
    except MarketError as error:
        return Answer(rows=listing.rows, findings=(*listing.findings, *error.findings))
    return Answer(rows=(*listing.rows, *plans.rows), findings=(*listing.findings, *plans.findings))


def _components(region: str, now: datetime) -> Answer:
    listing = component_prices(region, now.date())
    return Answer(rows=listing.rows, findings=listing.findings)


def _reservations(region: str, now: datetime) -> Answer:
    return Answer(rows=reservations(region))


_FETCH: dict[Feed, Callable[[str, datetime], Answer]] = {
    Feed.PRICES: _prices,
    Feed.SPOT: _spot,
    Feed.SAVINGS_PLANS: _savings_plans,
    Feed.CAPACITY_BLOCKS: _capacity_blocks,
    Feed.INTERRUPTIONS: _interruptions,
    Feed.OFFERINGS: _offerings,
    Feed.QUOTAS: _quotas,
    Feed.CLUSTER_QUOTAS: _cluster_quotas,
    Feed.SAGEMAKER: _sagemaker,
    Feed.COMPONENTS: _components,
    Feed.RESERVATIONS: _reservations,
}
