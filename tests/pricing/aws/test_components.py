"""Is every component's price found in the Price List, once or not at all?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pricing.aws.bands import is_usage
from pricing.aws.bands import products as read_products
from pricing.aws.component_table import SOURCES, Query
from pricing.aws.components import ComponentListing, component_prices, read_components
from pricing.errors import MarketError
from pricing.price import Component
from tests.support.recorded import Replay, price_page, products, recorded

CALL = "GetProducts"
REGION, TODAY = "us-east-2", date(2026, 8, 11)
LISTED = products("components-us-east-2.json")
QUERIES = tuple(dict.fromkeys(source.query for source in SOURCES.values()))
PCS = {component for component in Component if component.startswith("pcs")}
# The recorded list lacks two of Lustre's tiers.
UNLISTED = PCS | {
    Component.FSX_LUSTRE_PERSISTENT_500_GIB_MONTH,
    Component.FSX_LUSTRE_PERSISTENT_1000_GIB_MONTH,
}


def matching(query: Query) -> list[dict[str, Any]]:
    """The recorded products that a query's filters let through, as the API applies them."""
    wanted = [*query.filters, *([(query.region_field, REGION)] if query.region_field else [])]
    return [
        item
        for item in LISTED
        if item["serviceCode"] == query.service
        and query.usage in item["product"]["attributes"]["usagetype"]
        and all((item["product"]["attributes"] | item["product"]).get(field) == value for field, value in wanted)
    ]


def answer(aws: Replay, pcs: str = "page2.json") -> None:
    """An answer to each query in turn, then PCS's list of services."""
    aws.answers(CALL, *(price_page(*matching(query)) for query in QUERIES))
    aws.answers("DescribeServices", recorded("DescribeServices", pcs))


def prices(listing: ComponentListing) -> dict[Component, list[tuple[str, str]]]:
    """Bands by component: where they start and what one costs there."""
    found: dict[Component, list[tuple[str, str]]] = {}
    for row in listing.rows:
        found.setdefault(row.component, []).append((f"{row.starts_at:f}", f"{row.price:f}"))
    return found


def named(component: Component) -> dict[str, Any]:
    """A copy of the recorded product of a component."""
    source = SOURCES[component]
    (item,) = (
        item for item in matching(source.query) if is_usage(read_products([json.dumps(item)])[0][0], source.usage)
    )
    return deepcopy(item)


def read(component: Component, *items: dict[str, Any]) -> ComponentListing:
    return read_components(map(json.dumps, items), {component: SOURCES[component]}, REGION, TODAY)


def term(item: dict[str, Any]) -> dict[str, Any]:
    """The one on-demand term of a product."""
    (found,) = item["terms"]["OnDemand"].values()
    return dict(found)


def dimensions(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return iter(term(item)["priceDimensions"].values())


def test_every_component_has_its_own_price(aws: Replay) -> None:
    """Neighbours of a usage type (a trust store, regional gateways, vended logs) are not taken for it."""
    answer(aws)
    listing = component_prices(REGION, TODAY)
    found = prices(listing)
    assert {component: bands[0][1] for component, bands in found.items() if len(bands) == 1} == {
        "ebs-gp3-gib-month": "0.08",
        "ebs-gp3-iops-month": "0.005",
        "ebs-gp3-mib-per-s-month": "0.04",
        "fsx-lustre-scratch-gib-month": "0.14",
        "fsx-lustre-persistent-125-gib-month": "0.145",
        "fsx-lustre-persistent-250-gib-month": "0.21",
        "s3-put-request": "0.000005",
        "s3-get-request": "0.0000004",
        "logs-ingested-gib": "0.5",
        "logs-stored-gib-month": "0.03",
        "alarm-month": "0.1",
        "dashboard-month": "3",
        "nat-gateway-hour": "0.045",
        "nat-gateway-gib": "0.045",
        "interface-endpoint-hour": "0.01",
        "public-address-hour": "0.005",
        "transfer-between-zones-gib": "0.01",
        "load-balancer-hour": "0.0225",
        "load-balancer-unit-hour": "0.008",
        "eks-cluster-hour": "0.1",
    }
    assert found[Component.TRANSFER_OUT_GIB] == [
        ("0", "0.09"),
        ("10240", "0.085"),
        ("51200", "0.07"),
        ("153600", "0.05"),
    ]
    assert found[Component.METRIC_MONTH] == [("0", "0.3"), ("10000", "0.1"), ("250000", "0.05"), ("1000000", "0.02")]
    assert set(found) == set(Component) - UNLISTED
    assert {row.region for row in listing.rows} == {REGION}


def test_what_is_not_listed_is_unknown_and_said(aws: Replay) -> None:
    """A component without a product has no row, and a sentence."""
    answer(aws)
    findings = component_prices(REGION, TODAY).findings
    assert len(findings) == len(UNLISTED)
    assert (
        "us-east-2, fsx-lustre-persistent-500-gib-month: the price list has no price; it counts as unknown." in findings
    )


def test_prices_keep_their_usage_type_and_date(aws: Replay) -> None:
    """A row says which product it is of, since when that holds, and when it was read."""
    answer(aws)
    (row,) = (each for each in component_prices(REGION, TODAY).rows if each.component is Component.NAT_GATEWAY_HOUR)
    assert row.provenance.source == "AWS Price List, USE2-NatGateway-Hours"
    assert (row.provenance.as_of, row.provenance.effective) == (TODAY, date(2026, 8, 1))


def test_the_price_list_is_asked_where_it_is(aws: Replay) -> None:
    """Its endpoint is not in the region that it prices, and one service is asked once for all its components."""
    answer(aws)
    component_prices(REGION, TODAY)
    assert {each.host for each in aws.asked} == {"api.pricing.us-east-1.amazonaws.com"}
    assert len(aws.requests(CALL)) == len(QUERIES) < len(SOURCES)


def test_controllers_are_found_by_their_words(aws: Replay) -> None:
    """PCS's list is looked for among the services; sizes come from its usage types, and other fees stay out."""
    sizes = (("SmallController", "0.60"), ("MediumController", "3.20"), ("SmallController-Accounting", "0.11"))
    items = []
    for usage, price in sizes:
        item = named(Component.EKS_CLUSTER_HOUR)
        item["product"]["attributes"]["usagetype"] = f"USE2-{usage}"
        next(dimensions(item))["pricePerUnit"]["USD"] = price
        items.append(item)
    answer(aws, "page1.json")
    aws.answers("DescribeServices", recorded("DescribeServices", "page2.json"))
    aws.answers(CALL, price_page(*items))
    found = prices(component_prices(REGION, TODAY))
    assert {each: found[each] for each in PCS & found.keys()} == {
        Component.PCS_SMALL_CONTROLLER_HOUR: [("0", "0.6")],
        Component.PCS_MEDIUM_CONTROLLER_HOUR: [("0", "3.2")],
    }
    assert aws.requests(CALL)[-1]["ServiceCode"] == "AWSPCS"


def test_one_failed_question_leaves_the_others(aws: Replay) -> None:
    """Where Lustre's prices are refused, all others hold, and the refusal is said."""
    for query in QUERIES:
        if query.service == "AmazonFSx":
            aws.refuses(CALL, "InvalidParameterException")
        else:
            aws.answers(CALL, price_page(*matching(query)))
    aws.refuses("DescribeServices", "AccessDeniedException")
    listing = component_prices(REGION, TODAY)
    lustre = {component for component, source in SOURCES.items() if source.query.service == "AmazonFSx"}
    assert set(prices(listing)) == set(SOURCES) - lustre
    assert any("InvalidParameterException" in text for text in listing.findings)
    assert any("allow pricing:DescribeServices" in text for text in listing.findings)


def test_a_missing_permission_is_an_error_at_once(aws: Replay) -> None:
    """What refuses the first question would refuse all: they are not asked."""
    aws.refuses(CALL, "AccessDeniedException")
    with pytest.raises(MarketError, match="allow pricing:GetProducts"):
        component_prices(REGION, TODAY)
    assert len(aws.requests(CALL)) == 1


def test_an_empty_page_is_no_end(aws: Replay) -> None:
    """A page without products and with a token leads on."""
    first, *others = QUERIES
    aws.answers(CALL, price_page(token="next"), price_page(*matching(first)))
    aws.answers(CALL, *(price_page(*matching(query)) for query in others))
    aws.answers("DescribeServices", recorded("DescribeServices", "page2.json"))
    assert set(prices(component_prices(REGION, TODAY))) == set(Component) - UNLISTED


def test_govcloud_has_no_price_list_api(aws: Replay) -> None:
    """No question is asked of an endpoint that does not exist."""
    with pytest.raises(MarketError, match="no Price List API"):
        component_prices("us-gov-west-1", TODAY)


def test_two_prices_leave_a_component_unknown() -> None:
    """Neither the cheaper nor the first is taken, and both are named."""
    one, other = named(Component.EKS_CLUSTER_HOUR), named(Component.EKS_CLUSTER_HOUR)
    next(dimensions(other))["pricePerUnit"]["USD"] = "0.2000000000"
    listing = read(Component.EKS_CLUSTER_HOUR, one, other)
    assert listing.rows == ()
    (finding,) = listing.findings
    assert "0.1 USD" in finding and "0.2 USD" in finding and "counts as unknown" in finding


def test_the_same_price_twice_is_one() -> None:
    """Two products at one price, as logs have by operation, are no contradiction."""
    one = named(Component.LOGS_INGESTED_GIB)
    listing = read(Component.LOGS_INGESTED_GIB, one, deepcopy(one))
    assert [row.price for row in listing.rows] == [Decimal("0.5")]
    assert listing.findings == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pricePerUnit": {"USD": "0.0000000000"}}, "a price of zero"),
        ({"pricePerUnit": {"EUR": "0.10"}}, "priced in EUR"),
        ({"unit": "Quantity"}, "its unit is 'Quantity'"),
    ],
)
def test_a_price_without_sense_is_unknown(change: dict[str, Any], reason: str) -> None:
    """A price of zero, of an unknown currency or per an unknown unit makes no row, and says why."""
    item = named(Component.EKS_CLUSTER_HOUR)
    next(dimensions(item)).update(change)
    listing = read(Component.EKS_CLUSTER_HOUR, item)
    assert listing.rows == ()
    assert reason in listing.findings[0]


def test_a_malformed_product_leaves_the_sound_one() -> None:
    """Half an item is said, and the price of the whole one holds."""
    text = json.dumps(named(Component.EKS_CLUSTER_HOUR))
    source = {Component.EKS_CLUSTER_HOUR: SOURCES[Component.EKS_CLUSTER_HOUR]}
    listing = read_components([text[:90], text], source, REGION, TODAY)
    assert len(listing.rows) == 1
    assert "malformed" in listing.findings[0]


def test_a_price_of_tomorrow_does_not_yet_hold() -> None:
    """Of two terms the one in force counts; with a clock far behind, an only one still does."""
    item = named(Component.EKS_CLUSTER_HOUR)
    future = deepcopy(term(item)) | {"effectiveDate": "2026-09-01T00:00:00Z"}
    next(iter(future["priceDimensions"].values()))["pricePerUnit"]["USD"] = "0.1200000000"
    item["terms"]["OnDemand"]["FUTURE"] = future
    assert [row.price for row in read(Component.EKS_CLUSTER_HOUR, item).rows] == [Decimal("0.1")]
    source = {Component.EKS_CLUSTER_HOUR: SOURCES[Component.EKS_CLUSTER_HOUR]}
    alone = json.dumps(named(Component.EKS_CLUSTER_HOUR))
    assert len(read_components([alone], source, REGION, date(2001, 1, 1)).rows) == 1


def test_every_component_has_a_source() -> None:
    """No component is forgotten, but for those that are looked for by words."""
    assert set(SOURCES) | PCS == set(Component)
