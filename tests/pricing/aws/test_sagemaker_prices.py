"""Is a HyperPod node priced as one, and never as another use or a reservation?"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from decimal import Decimal

import pytest

from pricing.aws.sagemaker_prices import components, read_prices, sagemaker_prices
from pricing.errors import MarketError
from pricing.sagemaker import HYPERPOD, component_of
from tests.support.recorded import Replay, price_page, products, recorded

CALL = "GetProducts"
REGION, TODAY = "us-east-1", date(2026, 9, 16)
TYPES = {"g5.8xlarge", "p4d.24xlarge", "p6-b200.48xlarge"}
LISTED = products("sagemaker-cluster-us-east-1.json")


def test_nodes_have_their_own_price(aws: Replay) -> None:
    """Reserved capacity, volumes, types without accelerators and prices of zero are none of it."""
    aws.answers(CALL, price_page(*LISTED))
    listing = sagemaker_prices(REGION, TYPES, TODAY)
    assert {row.instance_type: row.price_per_hour_per_node for row in listing.rows} == {
        "ml.g5.8xlarge": Decimal("3.06"),
        "ml.p4d.24xlarge": Decimal("25.91001756"),
    }
    (finding,) = listing.findings
    assert finding == "us-east-1: USE1-Cluster:ml.p6-b200.48xlarge is left out: it has a price of zero."


def test_a_price_keeps_its_component_and_dates(aws: Replay) -> None:
    """The source begins with the component, and says since when the price holds."""
    aws.answers(CALL, price_page(*LISTED))
    row = next(each for each in sagemaker_prices(REGION, {"g5.8xlarge"}, TODAY).rows)
    assert component_of(row) == HYPERPOD
    assert row.provenance.source == "SageMaker Cluster: AWS Price List, USE1-Cluster:ml.g5.8xlarge"
    assert (row.provenance.as_of, row.provenance.effective) == (TODAY, date(2026, 9, 1))
    assert (row.region, row.operating_system, row.currency) == (REGION, "linux", "USD")


def test_one_use_in_one_region_is_asked_for(aws: Replay) -> None:
    """The API filters by region and component; another component is asked for by its name."""
    aws.answers(CALL, price_page(*LISTED), price_page(*LISTED))
    sagemaker_prices(REGION, TYPES, TODAY)
    sagemaker_prices(REGION, TYPES, TODAY, component="Training")
    filters = [{each["Field"]: each["Value"] for each in request["Filters"]} for request in aws.requests(CALL)]
    assert filters == [
        {"regionCode": REGION, "component": "Cluster"},
        {"regionCode": REGION, "component": "Training"},
    ]


def test_another_component_s_products_are_not_mixed_in() -> None:
    """Should the filter let one through, its own attribute tells it apart."""
    texts = [json.dumps(item) for item in LISTED]
    assert read_prices(texts, REGION, TYPES, TODAY, component="Training").rows == ()


def test_two_prices_leave_a_node_unknown() -> None:
    """Neither the cheaper nor the first is taken."""
    other = deepcopy(LISTED[0])
    (term,) = other["terms"]["OnDemand"].values()
    next(iter(term["priceDimensions"].values()))["pricePerUnit"]["USD"] = "4.0000000000"
    listing = read_prices(map(json.dumps, [LISTED[0], other]), REGION, TYPES, TODAY)
    assert listing.rows == ()
    assert "ml.g5.8xlarge in us-east-1" in listing.findings[0]


def test_a_price_announced_for_later_does_not_yet_count() -> None:
    """Today's price holds until the new one begins, and is not unknown beside it."""
    item = deepcopy(LISTED[0])
    later = deepcopy(next(iter(item["terms"]["OnDemand"].values()))) | {"effectiveDate": "2026-12-01T00:00:00Z"}
    next(iter(later["priceDimensions"].values()))["pricePerUnit"]["USD"] = "2.5000000000"
    item["terms"]["OnDemand"]["LATER"] = later
    listing = read_prices([json.dumps(item)], REGION, TYPES, TODAY)
    assert [row.price_per_hour_per_node for row in listing.rows] == [Decimal("3.06")]
    assert listing.findings == ()


def test_components_are_found_out(aws: Replay) -> None:
    """HyperPod's component is among those that the Price List names."""
    aws.answers("GetAttributeValues", recorded("GetAttributeValues", "sagemaker-component.json"))
    assert HYPERPOD in components(REGION)
    (request,) = aws.requests("GetAttributeValues")
    assert (request["ServiceCode"], request["AttributeName"]) == ("AmazonSageMaker", "component")


def test_a_component_without_prices_is_told_with_those_that_there_are(aws: Replay) -> None:
    """Should SageMaker rename its uses, whoever asks reads the new names."""
    aws.answers(CALL, price_page())
    aws.answers("GetAttributeValues", recorded("GetAttributeValues", "sagemaker-component.json"))
    with pytest.raises(MarketError, match=r"SageMaker prices nothing as Serving; its components are .*Hosting"):
        sagemaker_prices(REGION, TYPES, TODAY, component="Serving")


def test_a_refusal_names_the_permission(aws: Replay) -> None:
    """Each call needs its own."""
    aws.refuses(CALL, "AccessDeniedException")
    aws.refuses("GetAttributeValues", "AccessDeniedException")
    with pytest.raises(MarketError, match="allow pricing:GetProducts"):
        sagemaker_prices(REGION, TYPES, TODAY)
    with pytest.raises(MarketError, match="allow pricing:GetAttributeValues"):
        components(REGION)
