"""In which zones does a region sell an instance type? (EC2 DescribeInstanceTypeOfferings)"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pricing.aws.pages import pages
from pricing.aws.session import asked, client
from pricing.offer import Zones, is_zone_of_region

ACTION = "ec2:DescribeInstanceTypeOfferings"
# The API's largest page (botocore's model); EC2 takes 200 values in a filter at most.
PAGE = 1000
VALUES = 200


def zone_offerings(region: str, types: Collection[str]) -> Zones:
    """The zones of a region that sell each instance type; a type that none sells is left out.

    Zone ids (`use1-az6`) are the same in every account, names are not. That a zone sells a type does not mean
    that it has one to spare. Local and Wavelength Zones are dropped: their prices are not the region's. Raises
    MarketError without credentials, permission (`ec2:DescribeInstanceTypeOfferings`) or network, and for a region
    that the account has not enabled: its offerings are then unknown, not none.
    """
    found: list[Mapping[str, Any]] = []
    names = sorted(types)
    with asked(ACTION, region):
        api = client("ec2", region)
        for start in range(0, len(names), VALUES):
            some = [{"Name": "instance-type", "Values": names[start : start + VALUES]}]
            for page in pages(
                api.describe_instance_type_offerings,
                LocationType="availability-zone-id",
                Filters=some,
                MaxResults=PAGE,
            ):
                found += page.get("InstanceTypeOfferings", ())
    return read_offerings(found, region, types)


def read_offerings(offerings: Iterable[Mapping[str, Any]], region: str, types: Collection[str]) -> Zones:
    """The zones in `InstanceTypeOfferings`, sorted, of the types asked for."""
    zones = defaultdict(set)
    for each in offerings:
        name, zone = each.get("InstanceType", ""), each.get("Location", "")
        if name in types and is_zone_of_region(zone):
            zones[name, region].add(zone)
    return {key: tuple(sorted(ids)) for key, ids in sorted(zones.items())}
