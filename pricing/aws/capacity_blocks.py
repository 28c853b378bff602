"""Which Capacity Blocks can be bought, for what fee? (EC2 DescribeCapacityBlockOfferings; needs credentials)

A block is so many instances, or UltraServers, for so many days, paid at once and not cancellable. EC2 answers few
questions at a time: `all_blocks` asks for the shortest blocks of all names at once, and `capacity_blocks` makes a
request of each name, size and length that the caller chooses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pricing.aws.pages import pages
from pricing.aws.quotes import amount, plain
from pricing.aws.session import asked, client
from pricing.aws.zones import zone_ids
from pricing.blocks import DAYS, SIZES
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import Block, BlockListing, PriceRow
from pricing.units import HOUR_S, HOURS_PER_DAY

ACTION = "ec2:DescribeCapacityBlockOfferings"
PAGE = 100
# These refuse one name and say nothing of the next: no block of such a type, or UltraServers for some accounts only.
_OF_ONE_NAME = ("InvalidParameterValue", "Unsupported", "UnsupportedOperation")
_OF_ULTRASERVERS = ("UnauthorizedOperation", "OperationNotPermitted")
# A question that names nothing is refused with one of these.
_WANTS_A_NAME = ("MissingParameter", "InvalidParameterCombination", "InvalidParameterValue", "InvalidRequest")
# A low limit per account, which fills up again slowly; botocore does not know it as throttling and tries no more.
_LIMIT = "CapacityBlockDescribeLimitExceeded"


def capacity_blocks(
    region: str, names: Collection[str], counts: Sequence[int] = SIZES[:1], days: Sequence[int] = DAYS[:1]
) -> BlockListing:
    """The blocks on offer of some instance types or UltraServers (`u-p6e-gb200x72`), sizes and lengths.

    Raises MarketError without credentials, permission (`ec2:DescribeCapacityBlockOfferings`,
    `ec2:DescribeAvailabilityZones`) or network. A name that cannot be had as a block is refused, and what remains
    unasked once EC2 has had too many questions is a finding.
    """
    from botocore.exceptions import ClientError

    offerings: list[Mapping[str, Any]] = []
    findings: list[str] = []
    refused: dict[str, str] = {}
    with asked(ACTION, region):
        ask = client("ec2", region).describe_capacity_block_offerings
        for name in names:
            try:
                for request in _requests(name, counts, days):
                    for page in pages(ask, **request):
                        offerings += page["CapacityBlockOfferings"]
            except ClientError as error:
                code, said = (str(error.response.get("Error", {}).get(each)) for each in ("Code", "Message"))
                if code == _LIMIT and offerings:
                    findings.append(f"{region}: Capacity Blocks were asked for up to {name} only: {said}")
                    break
                if code not in _OF_ONE_NAME and not (is_ultraserver(name) and code in _OF_ULTRASERVERS):
                    raise
                refused[name] = f"{region}: {name} cannot be had as a Capacity Block: {said}"
    read = read_blocks(offerings, region, zone_ids(region) if offerings else {})
    return BlockListing(blocks=read.blocks, findings=(*findings, *read.findings), refused=refused)


def all_blocks(region: str, names: Collection[str]) -> BlockListing:
    """The shortest blocks on offer of all of these names, in one question; name by name where EC2 wants one.

    The API requires the length alone (botocore's model), and no page says what it answers then. Raises MarketError
    as `capacity_blocks` does.
    """
    from botocore.exceptions import ClientError

    with asked(ACTION, region):
        ask = client("ec2", region).describe_capacity_block_offerings
        try:
            answers = pages(ask, CapacityDurationHours=DAYS[0] * HOURS_PER_DAY, MaxResults=PAGE)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _WANTS_A_NAME:
                raise
            answers = ()
    offerings = [each for page in answers for each in page["CapacityBlockOfferings"]]
    if not offerings:
        return capacity_blocks(region, names)
    read = read_blocks(offerings, region, zone_ids(region))
    return BlockListing(blocks=tuple(each for each in read.blocks if each.name in names), findings=read.findings)


def read_blocks(offerings: Iterable[Mapping[str, Any]], region: str, zones: Mapping[str, str]) -> BlockListing:
    """The blocks in `CapacityBlockOfferings`, by start and size; `zones` are ids by name."""
    blocks: set[Block] = set()
    findings: list[str] = []
    for offering in offerings:
        named = f"the Capacity Block {offering.get('CapacityBlockOfferingId', 'without an id')}"
        try:
            block = _block(offering, region, zones)
        except (ValueError, KeyError) as error:
            findings.append(f"{region}: {named} is malformed and left out: {error}.")
            continue
        if len(offering.get("CapacityBlockOfferingSegments", ())) > 1:
            findings.append(f"{region}: {named} comes in several parts and is left out.")
        elif block.fee:
            blocks.add(block)
    ordered = sorted(blocks, key=lambda each: (each.name, each.starts_at, each.ends_at, each.count, each.fee))
    return BlockListing(blocks=tuple(ordered), findings=tuple(findings))


def block_price(block: Block, today: date) -> PriceRow:
    """What an hour of one instance, or of one UltraServer, comes to in a block: its fee over all their hours."""
    hours = Decimal((block.ends_at - block.starts_at) // timedelta(seconds=1)) / HOUR_S
    source = f"EC2 Capacity Block offering, {block.count} x {block.name} in {block.zone_id}"
    return PriceRow(
        instance_type=block.name,
        region=block.region,
        purchase=Purchase.CAPACITY_BLOCK,
        payment=Payment.UNSTATED,
        price_per_hour_per_node=plain(block.fee / (hours * block.count)),
        currency=block.currency,
        operating_system="linux",
        zone_id="",
        provenance=Provenance(source=f"{source}, {block.starts_at:%Y-%m-%d %H:%M} UTC", as_of=today),
    )


def is_ultraserver(name: str) -> bool:
    """Whether a name is an UltraServer's (`u-trn2x64`) and not an instance type's (`u-6tb1.metal` is one)."""
    return name.startswith("u-") and "." not in name


def _requests(name: str, counts: Sequence[int], days: Sequence[int]) -> Iterator[dict[str, Any]]:
    kind = "Ultraserver" if is_ultraserver(name) else "Instance"
    for count in counts:
        for each in days:
            hours = each * HOURS_PER_DAY
            yield {f"{kind}Type": name, f"{kind}Count": count, "CapacityDurationHours": hours, "MaxResults": PAGE}


def _block(offering: Mapping[str, Any], region: str, zones: Mapping[str, str]) -> Block:
    name = offering.get("UltraserverType") or offering["InstanceType"]
    count = offering["UltraserverCount" if is_ultraserver(name) else "InstanceCount"]
    if count < 1 or offering["EndDate"] <= offering["StartDate"]:
        raise ValueError(f"{count} for no time")
    zone = offering["AvailabilityZone"]
    if zone not in zones:
        raise ValueError(f"its zone {zone} has no id")
    return Block(
        name=name,
        count=count,
        region=region,
        zone_id=zones[zone],
        starts_at=offering["StartDate"],
        ends_at=offering["EndDate"],
        fee=amount(offering["UpfrontFee"]),
        currency=offering["CurrencyCode"],
    )
