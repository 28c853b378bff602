"""Is AWS reached where it should be, and what goes wrong told in one sentence?"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.parsers import ResponseParserError

from pricing.aws.price_list import price_list
from pricing.aws.session import asked, has_credentials, partition_of, pricing_region, session
from pricing.errors import MarketError
from tests.pricing.snapshots import NOW
from tests.support.price_server import PriceServer, page
from tests.support.recorded import Replay

P5 = ("p5.48xlarge",)


@pytest.mark.parametrize(
    ("region", "place"),
    [
        ("us-west-2", "us-east-1"),
        ("ap-south-1", "us-east-1"),
        ("cn-north-1", "cn-northwest-1"),
        ("eusc-de-east-1", "eusc-de-east-1"),
    ],
)
def test_prices_are_asked_where_they_are_known(aws: Replay, region: str, place: str) -> None:
    """The Price List API lives in few regions, whatever region is priced."""
    assert pricing_region(region) == place


def test_the_place_can_be_named(aws: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose organization closes us-east-1 asks elsewhere; China's prices stay in China."""
    monkeypatch.setenv("BERTH_PRICING_REGION", "eu-central-1")
    assert pricing_region("us-west-2") == "eu-central-1"
    assert pricing_region("cn-north-1") == "cn-northwest-1"


@pytest.mark.parametrize("region", ["us-gov-west-1", "moon"])
def test_a_partition_without_prices_is_told(aws: Replay, region: str) -> None:
    """GovCloud has no such API, and no region at all is no region of any partition."""
    with pytest.raises(MarketError, match=region):
        pricing_region(region)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, "GetProducts"),
            "pricing:GetProducts in us-east-1: AccessDenied: No. (allow pricing:GetProducts to this role)",
        ),
        (
            ClientError({"Error": {"Code": "ExpiredToken", "Message": "Late."}}, "GetProducts"),
            "pricing:GetProducts in us-east-1: ExpiredToken: Late. (log in again: the token has expired)",
        ),
        (
            ClientError({"Error": {"Code": "Odd", "Message": "What?"}}, "GetProducts"),
            "pricing:GetProducts in us-east-1: Odd: What?",
        ),
        (
            ConnectTimeoutError(endpoint_url="https://aws"),
            'pricing:GetProducts in us-east-1: Connect timeout on endpoint URL: "https://aws"',
        ),
        (
            ResponseParserError("Unable to parse response (no element found: line 1, column 0)\nb''"),
            "pricing:GetProducts in us-east-1: what answers is not AWS (check the network and its proxy)",
        ),
    ],
)
def test_a_failure_is_one_sentence(error: Exception, sentence: str) -> None:
    """The API, the region, what it said, and what to change where that is known."""
    with pytest.raises(MarketError) as caught, asked("pricing:GetProducts", "us-east-1"):
        raise error
    assert caught.value.findings == (sentence,)


def test_half_an_answer_is_none(server: PriceServer) -> None:
    """An answer that breaks off is refused, though botocore would take it for one that is empty."""
    server.instead["GetProducts"] = lambda request: None
    with pytest.raises(MarketError, match="15 read, but total bytes expected is 1000"):
        price_list("us-east-1", P5, NOW.date())


@pytest.mark.parametrize("body", [b"{", b"{}", b"<html>Log in</html>"])
def test_a_page_without_content_is_none(server: PriceServer, body: bytes) -> None:
    """A second page that is none does not end the list, but fails it."""
    server.instead["GetProducts"] = lambda request: (
        (200, body) if "NextToken" in request.parameters else page(request, ["{}"] * 2, size=1)
    )
    with pytest.raises(MarketError, match="a page has no content"):
        price_list("us-east-1", P5, NOW.date())


def test_credentials_are_found(server: PriceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the environment count; without any there are none."""
    assert has_credentials()
    for name in server.environment:
        monkeypatch.delenv(name)
    session.cache_clear()
    assert not has_credentials()


def test_a_profile_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt profile is a finding with its name."""
    monkeypatch.setenv("AWS_PROFILE", "gone")
    session.cache_clear()
    try:
        with pytest.raises(MarketError, match=r"no AWS credentials can be had: .*gone"):
            has_credentials()
    finally:
        session.cache_clear()


def test_partitions_need_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt profile keeps nobody from the price list files; only an unknown region is told to be none."""
    monkeypatch.setenv("AWS_PROFILE", "gone")
    session.cache_clear()
    try:
        assert [partition_of(each) for each in ("us-east-1", "cn-north-1", "ap-east-2")] == ["aws", "aws-cn", "aws"]
        with pytest.raises(MarketError, match="moon is not a region of any AWS partition"):
            partition_of("moon")
    finally:
        session.cache_clear()
