"""Is what the account has reserved read whole, with its zone's id and its end?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pricing.aws.reservations import STATES, reservations
from pricing.errors import MarketError
from pricing.price import Reservation
from tests.support.recorded import Replay, recorded

CALL = "DescribeCapacityReservations"


def test_blocks_and_reservations_are_told_apart(aws: Replay) -> None:
    """A block has an end; a reservation that stands until it is cancelled has none; what is cancelled is gone."""
    aws.answers(CALL, recorded(CALL, "us-east-1.xml"))
    aws.answers("DescribeAvailabilityZones", recorded("DescribeAvailabilityZones", "us-east-1.xml"))
    plain, block = reservations("us-east-1")
    assert plain == Reservation(
        id="cr-0aaaaaaaaaaaaaaa1",
        instance_type="p4d.24xlarge",
        region="us-east-1",
        zone_id="use1-az1",
        count=4,
        is_block=False,
        starts_at=datetime(2026, 10, 1, 8, tzinfo=UTC),
        ends_at=None,
    )
    assert (block.id, block.is_block, block.count, block.zone_id) == ("cr-0aaaaaaaaaaaaaaa2", True, 16, "use1-az6")
    assert block.starts_at == datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
    assert block.ends_at == datetime(2026, 12, 8, 11, 30, tzinfo=UTC)


def test_only_what_can_be_used_is_asked_for(aws: Replay) -> None:
    """One request of the largest page; an account without reservations has none, which is no failure."""
    empty = b'<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><capacityReservationSet/></R>'
    aws.answers(CALL, empty)
    assert reservations("us-east-1") == ()
    (request,) = aws.requests(CALL)
    assert [request[f"Filter.1.Value.{number}"] for number in (1, 2, 3, 4, 5)] == [[each] for each in STATES]
    assert request["MaxResults"] == ["1000"]


def test_a_missing_right_is_named(aws: Replay) -> None:
    """Who may not see reservations reads which right is wanting."""
    aws.refuses(CALL, "UnauthorizedOperation")
    with pytest.raises(MarketError, match=r"\(allow ec2:DescribeCapacityReservations to this role\)"):
        reservations("us-east-1")
