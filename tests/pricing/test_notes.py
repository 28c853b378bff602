"""Are reasons told once each, with all that they kept from coming?"""

from __future__ import annotations

from pricing.feed import Feed
from pricing.notes import failures
from pricing.refresh import Outcome


def failed(region: str, feed: Feed, why: str) -> Outcome:
    """What did not come."""
    return Outcome(place=(region, feed), failure=why)


def test_one_reason_is_one_sentence_whichever_api_gave_it() -> None:
    """An expired token is told once; a right that is wanting names its API, since each is granted alone."""
    expired = "ExpiredToken: No. (log in again: the token has expired)"
    told = list(
        failures(
            [
                failed("us-east-1", Feed.PRICES, f"pricing:GetProducts in us-east-1: {expired}"),
                failed("us-east-1", Feed.SPOT, f"ec2:DescribeSpotPriceHistory in us-east-1: {expired}"),
                failed("us-west-2", Feed.SPOT, f"ec2:DescribeSpotPriceHistory in us-west-2: {expired}"),
                failed("us-east-1", Feed.QUOTAS, "servicequotas:ListServiceQuotas in us-east-1: AccessDenied: No."),
            ]
        )
    )
    assert told == [
        f"Prices of us-east-1 and spot prices of us-east-1 and us-west-2 could not be had: {expired}.",
        "Quotas of us-east-1 could not be had: servicequotas:ListServiceQuotas in us-east-1: AccessDenied: No.",
    ]


def test_one_regions_address_is_not_the_reason_of_all() -> None:
    """Where a reason names one region, and several have one like it, it is said to be an example."""
    regions = ("us-east-1", "us-west-2")
    outcomes = [failed(each, Feed.PRICES, f"The file of {each} (https://aws/{each}.csv) is gone") for each in regions]
    example = "The file of us-east-1 (https://aws/us-east-1.csv) is gone."
    assert list(failures(outcomes)) == [
        f"Prices of us-east-1 and us-west-2 could not be had, each for a reason like this: {example}"
    ]
    assert list(failures(outcomes[:1])) == [f"Prices of us-east-1 could not be had: {example}"]
