"""Which capacity has the account reserved, how much, and until when? (EC2 DescribeCapacityReservations)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pricing.aws.pages import pages
from pricing.aws.session import asked, client
from pricing.aws.zones import zone_ids
from pricing.price import Reservation

ACTION = "ec2:DescribeCapacityReservations"
# The API's largest page, and the states of what can be used, or will be (botocore's model).
PAGE = 1000
STATES = ("active", "pending", "scheduled", "payment-pending", "delayed")


def reservations(region: str) -> tuple[Reservation, ...]:
    """The account's Capacity Reservations and Capacity Blocks in a region that are active or to come, by id.

    Raises MarketError without credentials, permission (`ec2:DescribeCapacityReservations`, and
    `ec2:DescribeAvailabilityZones` where zones come without an id) or network, and for an answer that makes no sense.
    """
    found: list[Mapping[str, Any]] = []
    with asked(ACTION, region):
        ask = client("ec2", region).describe_capacity_reservations
        for page in pages(ask, Filters=[{"Name": "state", "Values": list(STATES)}], MaxResults=PAGE):
            found += page.get("CapacityReservations", ())
    nameless = any(not each.get("AvailabilityZoneId") for each in found)
    return read_reservations(found, region, zone_ids(region) if nameless else {})


def read_reservations(
    found: Iterable[Mapping[str, Any]], region: str, zones: Mapping[str, str]
) -> tuple[Reservation, ...]:
    """The reservations in `CapacityReservations`; `zones` are ids by name. Raises KeyError where a field lacks."""
    read = [
        Reservation(
            id=each["CapacityReservationId"],
            instance_type=each["InstanceType"],
            region=region,
            zone_id=each.get("AvailabilityZoneId") or zones[each["AvailabilityZone"]],
            count=each["TotalInstanceCount"],
            is_block=each.get("ReservationType") == "capacity-block",
            starts_at=each.get("StartDate") or each["CreateDate"],
            ends_at=each.get("EndDate"),
        )
        for each in found
        if each["State"] in STATES
    ]
    return tuple(sorted(read, key=lambda each: each.id))
