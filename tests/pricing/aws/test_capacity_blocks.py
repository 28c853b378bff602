"""Are Capacity Blocks read with their real minutes, and does one refusal leave the others?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from pricing.aws.capacity_blocks import all_blocks, block_price, capacity_blocks, is_ultraserver, read_blocks
from pricing.blocks import DAYS, SIZES
from pricing.errors import MarketError
from pricing.offer import Purchase
from pricing.price import Block
from pricing.records import replace
from tests.support.recorded import Replay, recorded

CALL = "DescribeCapacityBlockOfferings"
ZONES = "DescribeAvailabilityZones"
TODAY = date(2026, 9, 11)
P5 = recorded(CALL, "p5.xml")
ULTRASERVER = "u-p6e-gb200x72"
BLOCK = Block(
    name="p5.48xlarge",
    count=4,
    region="us-east-1",
    zone_id="use1-az1",
    starts_at=datetime(2026, 9, 12, 8, 55, tzinfo=UTC),
    ends_at=datetime(2026, 9, 13, 11, 30, tzinfo=UTC),
    fee=Decimal("4182.0800"),
    currency="USD",
)


def offering(**other: Any) -> dict[str, Any]:
    return {
        "CapacityBlockOfferingId": "cb-1",
        "InstanceType": "p5.48xlarge",
        "InstanceCount": 4,
        "AvailabilityZone": "us-east-1b",
        "StartDate": BLOCK.starts_at,
        "EndDate": BLOCK.ends_at,
        "UpfrontFee": "4182.0800",
        "CurrencyCode": "USD",
    } | other


def with_zones(aws: Replay) -> None:
    aws.answers(ZONES, recorded(ZONES, "us-east-1.xml"))


def test_blocks_have_real_minutes_and_zone_ids(aws: Replay) -> None:
    """A block from 8:55 to 11:30 of the next day is neither 24 nor 26 hours; one without a fee is unknown."""
    aws.answers(CALL, P5)
    with_zones(aws)
    listing = capacity_blocks("us-east-1", ["p5.48xlarge"], [4])
    later = datetime(2026, 9, 14, 11, 30, tzinfo=UTC)
    end = datetime(2026, 9, 15, 11, 30, tzinfo=UTC)
    other = replace(BLOCK, zone_id="use1-az6", starts_at=later, ends_at=end, fee=Decimal("3775.6800"))
    assert listing.blocks == (BLOCK, other)
    assert listing.findings == ()


def test_the_fee_is_spread_over_all_hours_of_all_instances() -> None:
    """4,182.08 for 4 instances and 26 h 35 min is 39.33 an hour and instance, Linux, paid for a block."""
    row = block_price(BLOCK, TODAY)
    assert abs(row.price_per_hour_per_node - Decimal("4182.08") / (4 * Decimal(1595) / 60)) < Decimal("1e-9")
    assert round(row.price_per_hour_per_node, 2) == Decimal("39.33")
    assert (row.purchase, row.operating_system, row.currency) == (Purchase.CAPACITY_BLOCK, "linux", "USD")
    assert row.provenance.source == ("EC2 Capacity Block offering, 4 x p5.48xlarge in use1-az1, 2026-09-12 08:55 UTC")


def test_ultraservers_are_asked_for_and_counted_as_such(aws: Replay) -> None:
    """An UltraServer goes by its own name, in its own number, and is priced whole."""
    aws.answers(CALL, recorded(CALL, "ultraserver.xml"))
    with_zones(aws)
    (block,) = capacity_blocks("us-east-1", [ULTRASERVER], days=[2]).blocks
    (request,) = aws.requests(CALL)
    assert (request["UltraserverType"], request["UltraserverCount"]) == ([ULTRASERVER], ["1"])
    assert not {"InstanceType", "InstanceCount"} & request.keys()
    assert (block.name, block.count, block.zone_id) == (ULTRASERVER, 1, "use1-atl2-az1")
    assert block_price(block, TODAY).price_per_hour_per_node == Decimal("761.904")


@pytest.mark.parametrize(
    ("name", "ultraserver"),
    [("u-trn2x64", True), (ULTRASERVER, True), ("u-6tb1.metal", False), ("trn2u.48xlarge", False)],
)
def test_ultraservers_are_known_by_name(name: str, ultraserver: bool) -> None:
    """High-memory types begin alike and are instances."""
    assert is_ultraserver(name) is ultraserver


def test_one_question_is_for_every_name(aws: Replay) -> None:
    """The shortest blocks of all types come with one request; those of types that are not asked for are left out."""
    aws.answers(CALL, P5)
    with_zones(aws)
    assert len(all_blocks("us-east-1", ["p5.48xlarge", "trn2.48xlarge"]).blocks) == 2
    (request,) = aws.requests(CALL)
    assert request["CapacityDurationHours"] == ["24"]
    assert not {"InstanceType", "InstanceCount", "UltraserverType"} & request.keys()
    aws.answers(CALL, P5)
    with_zones(aws)
    assert all_blocks("us-east-1", ["trn2.48xlarge"]).blocks == ()


def test_names_are_asked_for_one_by_one_where_ec2_wants_one(aws: Replay) -> None:
    """A question without a name that is refused, or finds nothing, is asked again for each."""
    aws.refuses(CALL, "MissingParameter", "Name a type.")
    aws.answers(CALL, P5, P5)
    with_zones(aws)
    assert len(all_blocks("us-east-1", ["p5.48xlarge", "trn2.48xlarge"]).blocks) == 2
    assert [each.get("InstanceType") for each in aws.requests(CALL)] == [None, ["p5.48xlarge"], ["trn2.48xlarge"]]


def test_every_size_and_length_is_a_request(aws: Replay) -> None:
    """The caller chooses both; a block that several requests find is one block."""
    aws.answers(CALL, *[P5] * 4)
    with_zones(aws)
    assert len(capacity_blocks("us-east-1", ["p5.48xlarge"], [1, 4], [1, 14]).blocks) == 2
    asked = [(each["InstanceCount"][0], each["CapacityDurationHours"][0]) for each in aws.requests(CALL)]
    assert asked == [("1", "24"), ("1", "336"), ("4", "24"), ("4", "336")]


def test_sizes_and_lengths_are_those_that_ec2_sells() -> None:
    """Powers of two to 64; days to two weeks, then weeks to half a year."""
    assert SIZES == (1, 2, 4, 8, 16, 32, 64)
    assert (DAYS[0], DAYS[13], DAYS[14], DAYS[-1], len(DAYS)) == (1, 14, 21, 182, 38)


@pytest.mark.parametrize(
    ("name", "code"), [("g4dn.xlarge", "InvalidParameterValue"), (ULTRASERVER, "UnauthorizedOperation")]
)
def test_a_name_without_blocks_leaves_the_others(aws: Replay, name: str, code: str) -> None:
    """It is refused, its other sizes are not asked for, and the next name is."""
    aws.refuses(CALL, code, f"{name} is not supported for Capacity Blocks.")
    aws.answers(CALL, P5, P5)
    with_zones(aws)
    listing = capacity_blocks("us-east-1", [name, "p5.48xlarge"], [1, 2])
    assert len(listing.blocks) == 2
    assert listing.findings == ()
    assert listing.refused == {
        name: f"us-east-1: {name} cannot be had as a Capacity Block: {name} is not supported for Capacity Blocks."
    }
    assert len(aws.requests(CALL)) == 3


def test_too_many_questions_end_the_asking(aws: Replay) -> None:
    """What was found stays, what was not asked is said, and EC2 is left alone."""
    aws.answers(CALL, P5)
    aws.refuses(CALL, "CapacityBlockDescribeLimitExceeded", "Too many.")
    with_zones(aws)
    listing = capacity_blocks("us-east-1", ["p5.48xlarge", "p5e.48xlarge", "trn2.48xlarge"])
    assert len(listing.blocks) == 2
    assert listing.findings == ("us-east-1: Capacity Blocks were asked for up to p5e.48xlarge only: Too many.",)
    assert len(aws.requests(CALL)) == 2


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("CapacityBlockDescribeLimitExceeded", "quota of Capacity Blocks raised: it may be 0"),
        ("UnauthorizedOperation", "allow ec2:DescribeCapacityBlockOfferings to this role"),
        ("RequestExpired", "set this machine's clock"),
    ],
)
def test_a_refusal_of_the_first_question_is_an_error(aws: Replay, code: str, mend: str) -> None:
    """Nothing was found, so that it is not a listing without blocks."""
    aws.refuses(CALL, code)
    with pytest.raises(MarketError, match=mend):
        capacity_blocks("us-east-1", ["p5.48xlarge"])


def test_a_timeout_yields_nothing(aws: Replay) -> None:
    """An answer that never comes fails the whole, also after another came."""
    aws.answers(CALL, P5, *[ReadTimeoutError(endpoint_url="https://aws")] * 4)
    with pytest.raises(MarketError, match="Read timeout"):
        capacity_blocks("us-east-1", ["p5.48xlarge", "p5e.48xlarge"])


def test_without_blocks_no_zone_is_asked_for(aws: Replay) -> None:
    """A region without offerings costs one request."""
    aws.answers(CALL, P5.split(b"<item>")[0] + b"</capacityBlockOfferingSet></DescribeCapacityBlockOfferingsResponse>")
    assert capacity_blocks("us-east-1", ["p5.48xlarge"]).blocks == ()
    assert len(aws.asked) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"UpfrontFee": "n/a"},
        {"AvailabilityZone": "us-east-1z"},
        {"InstanceCount": 0},
        {"EndDate": BLOCK.starts_at},
        {"CapacityBlockOfferingSegments": [{}, {}]},
    ],
)
def test_a_malformed_offering_is_found_and_the_rest_survives(broken: dict[str, Any]) -> None:
    """Neither a zone without an id, nor no time, nor a block in several parts becomes a price."""
    found = read_blocks([offering(**broken), offering()], "us-east-1", {"us-east-1b": "use1-az1"})
    assert found.blocks == (BLOCK,)
    assert "the Capacity Block cb-1" in found.findings[0]


def test_without_credentials_nothing_is_sent(aws: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Capacity Blocks need an account, and say so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(MarketError, match=r"ec2:DescribeCapacityBlockOfferings in us-east-1: .*credentials"):
        capacity_blocks("us-east-1", ["p5.48xlarge"])
    assert aws.asked == []
