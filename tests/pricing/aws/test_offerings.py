"""Are the zones of a region that sell a type found, whole or not at all?"""

from __future__ import annotations

import pytest
from botocore.exceptions import ReadTimeoutError

from pricing.aws.offerings import VALUES, zone_offerings
from pricing.errors import MarketError
from tests.support.recorded import Replay, recorded

CALL = "DescribeInstanceTypeOfferings"
TYPES = {"p5.48xlarge", "p5en.48xlarge", "g5.xlarge", "g6.xlarge"}


def test_zones_of_all_pages_are_sorted_and_local_zones_dropped(aws: Replay) -> None:
    """An empty page with a token is no end, a zone counts once, and a Local Zone is no zone of the region."""
    aws.answers(CALL, *(recorded(CALL, name) for name in ("page1.xml", "empty.xml", "page2.xml")))
    assert zone_offerings("us-east-1", TYPES) == {
        ("g5.xlarge", "us-east-1"): ("use1-az2",),
        ("p5.48xlarge", "us-east-1"): ("use1-az1", "use1-az6"),
    }


def test_zones_are_asked_for_by_id_and_type(aws: Replay) -> None:
    """Names of zones differ by account, so ids are asked for; and every page is of the largest size."""
    aws.answers(CALL, recorded(CALL, "page2.xml"))
    zone_offerings("us-east-1", {"p5.48xlarge"})
    (request,) = aws.requests(CALL)
    assert request["LocationType"] == ["availability-zone-id"]
    assert (request["Filter.1.Name"], request["Filter.1.Value.1"]) == (["instance-type"], ["p5.48xlarge"])
    assert request["MaxResults"] == ["1000"]


def test_more_types_than_a_filter_takes_make_two_requests(aws: Replay) -> None:
    """EC2 refuses a filter of over 200 values."""
    aws.answers(CALL, *[recorded(CALL, "page2.xml")] * 2)
    zone_offerings("us-east-1", {f"p5.{number}xlarge" for number in range(VALUES + 1)})
    assert [sum("Filter.1.Value" in name for name in each) for each in aws.requests(CALL)] == [VALUES, 1]


@pytest.mark.parametrize(
    ("code", "mend"),
    [("AuthFailure", "enable the region in the account"), ("UnauthorizedOperation", f"allow ec2:{CALL} to this role")],
)
def test_a_refusal_is_an_error_and_not_an_empty_region(aws: Replay, code: str, mend: str) -> None:
    """A region that is not enabled, or a missing permission, leaves its offerings unknown."""
    aws.refuses(CALL, code, status=401)
    with pytest.raises(MarketError, match=mend):
        zone_offerings("me-south-1", TYPES)


def test_a_failure_in_the_middle_leaves_no_half(aws: Replay) -> None:
    """What a first page said is thrown away where the second never comes."""
    aws.answers(CALL, recorded(CALL, "page1.xml"), *[ReadTimeoutError(endpoint_url="https://ec2")] * 4)
    with pytest.raises(MarketError, match="us-east-1"):
        zone_offerings("us-east-1", TYPES)
