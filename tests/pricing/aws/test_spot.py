"""Is the spot price of every zone the one in force, under the id that all accounts share?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from pricing.aws.spot import LINUX, read_spot_prices, spot_prices
from pricing.errors import MarketError
from pricing.offer import Payment, Purchase
from tests.support.recorded import Replay, recorded

CALL = "DescribeSpotPriceHistory"
ZONES = "DescribeAvailabilityZones"
NOW = datetime(2026, 9, 11, 9, 30, tzinfo=UTC)
TYPES = {"p5.48xlarge", "g4dn.xlarge"}


def record(price: str = "16.95", **other: Any) -> dict[str, Any]:
    return {
        "InstanceType": "p5.48xlarge",
        "ProductDescription": "Linux/UNIX",
        "SpotPrice": price,
        "Timestamp": NOW,
        "AvailabilityZone": "us-east-1a",
        "AvailabilityZoneId": "use1-az6",
    } | other


def read(*records: dict[str, Any]) -> list[tuple[str, str, str]]:
    listing = read_spot_prices(records, "us-east-1", {"us-east-1a": "use1-az6"}, NOW, "USD")
    return [(row.instance_type, row.zone_id, str(row.price_per_hour_per_node)) for row in listing.rows]


def test_every_zone_has_its_newest_price(aws: Replay) -> None:
    """All pages are read, the empty one between included; of two prices of a zone the later one holds."""
    aws.answers(CALL, *(recorded(CALL, f"{name}.xml") for name in ("page1", "empty", "page2")))
    listing = spot_prices("us-east-1", TYPES, NOW)
    assert [(row.instance_type, row.zone_id, str(row.price_per_hour_per_node)) for row in listing.rows] == [
        ("g4dn.xlarge", "use1-az6", "0.2193"),
        ("p5.48xlarge", "use1-az1", "55.04"),
        ("p5.48xlarge", "use1-az6", "19.35"),
    ]
    assert listing.findings == ()
    assert [request.get("NextToken") for request in aws.requests(CALL)] == [None, ["eyJ2IjoiMiJ9"], ["eyJ2IjoiMyJ9"]]


def test_the_history_is_not_asked_for(aws: Replay) -> None:
    """From now on means the price in force; both names of Linux are asked for, and all types at once."""
    aws.answers(CALL, recorded(CALL, "page2.xml"))
    spot_prices("us-east-1", TYPES, NOW)
    (request,) = aws.requests(CALL)
    assert request["StartTime"] == ["2026-09-11T09:30:00Z"]
    assert (request["ProductDescription.1"][0], request["ProductDescription.2"][0]) == LINUX
    assert request["Filter.1.Name"] == ["instance-type"]
    assert [request[f"Filter.1.Value.{i}"] for i in (1, 2)] == [["g4dn.xlarge"], ["p5.48xlarge"]]


def test_rows_say_since_when_they_hold(aws: Replay) -> None:
    """A spot row is of its zone, of no commitment, and in force since its timestamp."""
    aws.answers(CALL, recorded(CALL, "page2.xml"))
    (row,) = spot_prices("us-east-1", TYPES, NOW).rows
    assert (row.purchase, row.payment, row.operating_system) == (Purchase.SPOT, Payment.UNSTATED, "linux")
    assert row.price_per_hour_per_node == Decimal("0.2193")
    assert row.provenance.source == "EC2 spot price history, asked for at 2026-09-11 09:30 UTC"
    assert (row.provenance.as_of, row.provenance.effective) == (date(2026, 9, 11), date(2026, 9, 11))


def test_zones_are_asked_for_only_where_they_lack_ids(aws: Replay) -> None:
    """A zone's name becomes its id, and a name that no list has is a finding instead of a row."""
    aws.answers(CALL, recorded(CALL, "names_only.xml"))
    aws.answers(ZONES, recorded(ZONES, "us-east-1.xml"))
    listing = spot_prices("us-east-1", TYPES, NOW)
    assert [(row.zone_id, str(row.price_per_hour_per_node)) for row in listing.rows] == [("use1-az6", "19.35")]
    (finding,) = listing.findings
    assert "p5.48xlarge in us-east-1z lacks its zone's id" in finding
    assert aws.requests(ZONES)[0]["AllAvailabilityZones"] == ["true"]


def test_a_later_price_wins_in_any_order() -> None:
    """The order of the answer says nothing."""
    late, early = record("9"), record("8", Timestamp=datetime(2026, 9, 1, tzinfo=UTC))
    assert read(late, early) == read(early, late) == [("p5.48xlarge", "use1-az6", "9")]


@pytest.mark.parametrize(
    "other",
    [{"ProductDescription": "Windows"}, {"ProductDescription": "Red Hat Enterprise Linux"}, {"SpotPrice": "0.000000"}],
)
def test_other_systems_and_zero_are_no_prices(other: dict[str, Any]) -> None:
    """Linux alone is priced, and a price of zero is unknown."""
    assert read(record(**other)) == []


@pytest.mark.parametrize("other", [{"SpotPrice": "n/a"}, {"SpotPrice": None}])
def test_a_malformed_price_is_found(other: dict[str, Any]) -> None:
    """It is left out with its type and zone, and the next zone is priced."""
    records = [record(**other), record("7", AvailabilityZoneId="use1-az1")]
    listing = read_spot_prices(records, "us-east-1", {}, NOW, "USD")
    assert [row.zone_id for row in listing.rows] == ["use1-az1"]
    assert "the spot price of p5.48xlarge in us-east-1a is malformed and left out" in listing.findings[0]


def test_china_is_priced_in_yuan(aws: Replay) -> None:
    """The answer names no currency; the partition has one."""
    aws.answers(CALL, recorded(CALL, "page2.xml"))
    assert {row.currency for row in spot_prices("cn-north-1", TYPES, NOW).rows} == {"CNY"}


def test_a_timeout_in_the_middle_yields_nothing(aws: Replay) -> None:
    """The zones of the first page are not handed out."""
    aws.answers(CALL, recorded(CALL, "page1.xml"), *[ReadTimeoutError(endpoint_url="https://aws")] * 4)
    with pytest.raises(MarketError, match=r"^ec2:DescribeSpotPriceHistory in us-east-1: Read timeout"):
        spot_prices("us-east-1", TYPES, NOW)


def test_throttling_is_tried_again(aws: Replay) -> None:
    """EC2's name for it is known to the retries."""
    aws.refuses(CALL, "RequestLimitExceeded", status=503)
    aws.answers(CALL, recorded(CALL, "page2.xml"))
    assert spot_prices("us-east-1", TYPES, NOW).rows


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("UnauthorizedOperation", "allow ec2:DescribeSpotPriceHistory to this role"),
        ("AuthFailure", "enable the region in the account"),
        ("RequestExpired", "set this machine's clock"),
        ("ExpiredToken", "log in again"),
    ],
)
def test_a_refusal_says_what_to_change(aws: Replay, code: str, mend: str) -> None:
    """A region that is not enabled, a missing right and a wrong clock are told apart."""
    aws.refuses(CALL, code)
    with pytest.raises(MarketError, match=mend):
        spot_prices("ap-east-1", TYPES, NOW)


def test_without_credentials_nothing_is_sent(aws: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spot prices need an account, and say so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(MarketError, match=r"ec2:DescribeSpotPriceHistory in us-east-1: .*credentials"):
        spot_prices("us-east-1", TYPES, NOW)
    assert aws.asked == []
