"""What does spot capacity cost in each zone now? (EC2 DescribeSpotPriceHistory; needs credentials)"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pricing.aws.pages import pages
from pricing.aws.quotes import amount, plain
from pricing.aws.session import asked, client, partition_of
from pricing.aws.zones import zone_ids
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import Listing, PriceRow

ACTION = "ec2:DescribeSpotPriceHistory"
# Linux goes by the first name in most places and by the second in some; both are one product.
LINUX = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")
PAGE = 1000
# The answer names no currency: a partition bills in one.
_CURRENCY = {"aws-cn": "CNY"}


def spot_prices(region: str, types: Collection[str], now: datetime) -> Listing:
    """The spot price per hour of each instance type in each zone of a region, Linux, in force at `now` (with zone).

    A price holds since its `effective` day. Raises MarketError without credentials, permission
    (`ec2:DescribeSpotPriceHistory`, and `ec2:DescribeAvailabilityZones` where zones come without an id) or network.
    """
    records: list[Mapping[str, Any]] = []
    with asked(ACTION, region):
        ask = client("ec2", region).describe_spot_price_history
        # A start that is now gives the price in force, not its history; a filter, other than the list of types in
        # the request itself, takes the names of types that the region does not know.
        wanted = [{"Name": "instance-type", "Values": sorted(types)}]
        for page in pages(ask, StartTime=now, ProductDescriptions=list(LINUX), Filters=wanted, MaxResults=PAGE):
            records += page["SpotPriceHistory"]
    nameless = any(not each.get("AvailabilityZoneId") for each in records)
    zones = zone_ids(region) if nameless else {}
    return read_spot_prices(records, region, zones, now, _CURRENCY.get(partition_of(region), "USD"))


def read_spot_prices(
    records: Iterable[Mapping[str, Any]], region: str, zones: Mapping[str, str], now: datetime, currency: str
) -> Listing:
    """The newest Linux price by type and zone in `SpotPriceHistory`; `zones` are ids by name."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    rows: list[PriceRow] = []
    findings: list[str] = []
    for record in records:
        zone = record.get("AvailabilityZoneId") or zones.get(record.get("AvailabilityZone", ""))
        place = record.get("InstanceType", ""), zone or ""
        if record.get("ProductDescription") not in LINUX:
            continue
        if not all(place) or "Timestamp" not in record:
            findings.append(f"{region}: {_named(record)} lacks its zone's id or its time, and is left out.")
        elif place not in newest or record["Timestamp"] > newest[place]["Timestamp"]:
            newest[place] = record
    for (_, zone), record in sorted(newest.items(), key=lambda each: each[0]):
        try:
            rows += _rows(record, region, zone, now, currency)
        except ValueError as error:
            findings.append(f"{region}: {_named(record)} is malformed and left out: {error}.")
    return Listing(rows=tuple(rows), findings=tuple(findings))


def _rows(record: Mapping[str, Any], region: str, zone_id: str, now: datetime, currency: str) -> list[PriceRow]:
    price = plain(amount(record.get("SpotPrice")))
    if not price:
        return []
    source = f"EC2 spot price history, asked for at {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    row = PriceRow(
        instance_type=record["InstanceType"],
        region=region,
        purchase=Purchase.SPOT,
        payment=Payment.UNSTATED,
        price_per_hour_per_node=price,
        currency=currency,
        operating_system="linux",
        zone_id=zone_id,
        provenance=Provenance(source=source, as_of=now.date(), effective=record["Timestamp"].date()),
    )
    return [row]


def _named(record: Mapping[str, Any]) -> str:
    return f"the spot price of {record.get('InstanceType', 'no type')} in {record.get('AvailabilityZone', 'no zone')}"
