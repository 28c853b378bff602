"""Do the rates of savings plans become one effective price per type, plan, term and payment?"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from pricing.aws.savings_plans import read_rates, sagemaker_plan_rates, savings_plan_rates
from pricing.errors import MarketError
from tests.support.recorded import Replay, recorded

CALL = "DescribeSavingsPlansOfferingRates"
TODAY = date(2026, 9, 11)
TYPES = {"p5.48xlarge", "p5e.48xlarge"}
EC2: list[dict[str, Any]] = json.loads(recorded(CALL, "ec2.json"))["searchResults"]


def rate(**changes: Any) -> dict[str, Any]:
    """The first recorded rate, an EC2 Instance plan of a year, with changes to it or to its offering."""
    offering = EC2[0]["savingsPlanOffering"]
    offered = {name: changes.pop(name) for name in list(changes) if name in offering}
    return EC2[0] | {"savingsPlanOffering": offering | offered} | changes


def properties(**changes: str) -> list[dict[str, str]]:
    known = {each["name"]: each["value"] for each in EC2[0]["properties"]} | changes
    return [{"name": name, "value": value} for name, value in known.items()]


def test_plans_terms_and_payments_are_told_apart(aws: Replay) -> None:
    """Every combination is a row of its own; unused boxes, Windows, dedicated tenancy and a rate of zero are none."""
    aws.answers(CALL, recorded(CALL, "ec2.json"))
    listing = savings_plan_rates("us-east-1", TYPES, TODAY)
    assert {(row.purchase, row.payment): str(row.price_per_hour_per_node) for row in listing.rows} == {
        ("savings-plan-1yr", "no-upfront"): "40.079",
        ("savings-plan-1yr", "partial-upfront"): "38.175",
        ("savings-plan-1yr", "all-upfront"): "37.412",
        ("savings-plan-3yr", "no-upfront"): "27.564",
        ("compute-savings-plan-1yr", "no-upfront"): "44.77",
        ("compute-savings-plan-3yr", "all-upfront"): "28.013",
    }
    assert {row.instance_type for row in listing.rows} == {"p5.48xlarge"}
    assert listing.findings == ()
    assert {row.provenance.source for row in listing.rows} == {
        "AWS Savings Plans, EC2Instance plan",
        "AWS Savings Plans, Compute plan",
    }


@pytest.mark.parametrize(
    ("region", "host"),
    [("eu-west-1", "savingsplans.amazonaws.com"), ("cn-north-1", "savingsplans.cn-north-1.amazonaws.com.cn")],
)
def test_one_listing_asks_for_everything(aws: Replay, region: str, host: str) -> None:
    """The region is a filter on the partition's one endpoint, and all types stand in one request."""
    aws.answers(CALL, {"searchResults": [], "nextToken": ""})
    savings_plan_rates(region, TYPES, TODAY)
    (asked,) = aws.asked
    assert asked.host == host
    assert asked.parameters["savingsPlanTypes"] == ["EC2Instance", "Compute"]
    assert asked.parameters["savingsPlanPaymentOptions"] == ["No Upfront", "Partial Upfront", "All Upfront"]
    assert asked.parameters["maxResults"] == 1000
    assert {each["name"]: each["values"] for each in asked.parameters["filters"]} == {
        "region": [region],
        "tenancy": ["shared"],
        "productDescription": ["Linux/UNIX"],
        "instanceType": ["p5.48xlarge", "p5e.48xlarge"],
    }


def test_pages_are_followed_by_hand(aws: Replay) -> None:
    """An empty page with a token is not the end, and a null token is."""
    aws.answers(CALL, {"searchResults": EC2[:2], "nextToken": "a"}, {"searchResults": [], "nextToken": "b"})
    aws.answers(CALL, {"searchResults": EC2[2:], "nextToken": None})
    assert len(savings_plan_rates("us-east-1", TYPES, TODAY).rows) == 6
    assert [each.get("nextToken") for each in aws.requests(CALL)] == [None, "a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        rate(usageType="UnusedBox:p5.48xlarge"),
        rate(usageType="BoxUsage:m5.large"),
        rate(operation="RunInstances:0002"),
        rate(operation="RunInstances:CB"),
        rate(properties=properties(productDescription="SUSE Linux")),
        rate(properties=properties(region="us-east-1-atl-2")),
        rate(properties=properties(tenancy="dedicated")),
        rate(unit="Request"),
        rate(durationSeconds=5 * 31536000),
        rate(planType="Database"),
        rate(rate="0.0000"),
    ],
)
def test_other_rates_are_left_out(other: dict[str, Any]) -> None:
    """One property that differs makes it the rate of something else, without a finding."""
    found = read_rates([other], "us-east-1", TYPES, TODAY)
    assert (found.rows, found.findings) == ((), ())


def test_a_region_prefixes_its_usage() -> None:
    """The type stands at the end, whatever the region puts before it."""
    found = read_rates([rate(usageType="USE2-BoxUsage:p5.48xlarge", properties=[])], "us-east-2", TYPES, TODAY)
    assert [(row.instance_type, row.region) for row in found.rows] == [("p5.48xlarge", "us-east-2")]


def test_whole_machines_may_be_dedicated(aws: Replay) -> None:
    """Bare metal is asked for under both tenancies, and dedicated counts where shared is not listed."""
    metal = {"instanceType": "g4dn.metal"}
    dedicated = rate(usageType="DedicatedUsage:g4dn.metal", properties=properties(tenancy="dedicated", **metal))
    shared = rate(usageType="BoxUsage:g4dn.metal", properties=properties(**metal), rate="5.1")
    aws.answers(CALL, {"searchResults": [dedicated]}, {"searchResults": [dedicated, shared]})
    read = [savings_plan_rates("us-east-1", {"g4dn.metal"}, TODAY).rows for _ in range(2)]
    assert [[str(row.price_per_hour_per_node) for row in rows] for rows in read] == [["40.079"], ["5.1"]]
    assert {"name": "tenancy", "values": ["shared", "dedicated"]} in aws.requests(CALL)[0]["filters"]


def test_distinct_rates_are_shown() -> None:
    """Two offerings at two rates for the same plan leave it unknown, and are both named."""
    found = read_rates([rate(), rate(rate="41", offeringId="0a1b2c3d-9999")], "us-east-1", TYPES, TODAY)
    assert found.rows == ()
    assert "40.079 USD by offering 0a1b2c3d-0001, 41 USD by offering 0a1b2c3d-9999" in found.findings[0]


@pytest.mark.parametrize("broken", [rate(rate="n/a"), rate(savingsPlanOffering={}), {"rate": "1"}])
def test_a_malformed_rate_is_found_and_the_rest_survives(broken: dict[str, Any]) -> None:
    """It is left out under its usage type."""
    found = read_rates([broken, EC2[1]], "us-east-1", TYPES, TODAY)
    assert [row.payment for row in found.rows] == ["partial-upfront"]
    assert f"rate of {broken.get('usageType', 'no usage type')} is malformed" in found.findings[0]


def test_currencies_are_those_of_the_offering() -> None:
    """Plans of China are in yuan."""
    (row,) = read_rates([rate(currency="CNY")], "us-east-1", TYPES, TODAY).rows
    assert row.currency == "CNY"


def test_sagemaker_rates_are_those_of_clusters_first(aws: Replay) -> None:
    """HyperPod's component is used where it is listed, training's else; hosting and reserved capacity never."""
    aws.answers(CALL, recorded(CALL, "sagemaker.json"))
    listing = sagemaker_plan_rates("us-east-1", {"p5.48xlarge", "g4dn.xlarge"}, TODAY)
    rows = [(row.instance_type, str(row.price_per_hour_per_node), row.provenance.source) for row in listing.rows]
    assert rows == [
        ("ml.g4dn.xlarge", "1.03", "AWS Savings Plans, SageMaker plan, Train (training jobs)"),
        ("ml.p5.48xlarge", "47.5", "AWS Savings Plans, SageMaker plan, Cluster (HyperPod)"),
    ]
    assert listing.findings == ()
    assert aws.requests(CALL)[0]["filters"] == [{"name": "region", "values": ["us-east-1"]}]


def test_sagemaker_and_ec2_are_not_mixed() -> None:
    """A rate of an `ml.` type is no price of the EC2 type, and the other way round."""
    ml = json.loads(recorded(CALL, "sagemaker.json"))["searchResults"]
    assert read_rates(ml, "us-east-1", TYPES, TODAY).rows == ()
    assert read_rates(EC2, "us-east-1", {"ml.p5.48xlarge"}, TODAY).rows == ()


def test_a_timeout_in_the_middle_yields_nothing(aws: Replay) -> None:
    """The plans of the first page are not handed out."""
    lost = [ReadTimeoutError(endpoint_url="https://aws")] * 4
    aws.answers(CALL, {"searchResults": EC2, "nextToken": "a"}, *lost)
    with pytest.raises(MarketError, match=r"^savingsplans:DescribeSavingsPlansOfferingRates in us-east-1: Read time"):
        savings_plan_rates("us-east-1", TYPES, TODAY)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException"])
def test_a_refusal_is_an_expected_error(aws: Replay, code: str) -> None:
    """It is said with its code, and costs one request."""
    aws.refuses(CALL, code)
    with pytest.raises(MarketError, match=code):
        savings_plan_rates("us-east-1", TYPES, TODAY)
    assert len(aws.asked) == 1


def test_without_credentials_nothing_is_sent(aws: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of plan need an account, and say so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    for ask in (savings_plan_rates, sagemaker_plan_rates):
        with pytest.raises(MarketError, match="credentials"):
            ask("us-east-1", TYPES, TODAY)
    assert aws.asked == []
