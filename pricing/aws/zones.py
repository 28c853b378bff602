"""Which zone id does a zone's name stand for in this account? (EC2 DescribeAvailabilityZones)"""

from __future__ import annotations

from collections.abc import Mapping

from pricing.aws.session import asked, client

ACTION = "ec2:DescribeAvailabilityZones"


def zone_ids(region: str) -> Mapping[str, str]:
    """Zone ids (`use1-az6`) by name (`us-east-1a`), Local Zones and those not opted in to included.

    Names are dealt out anew for every account, ids are not. Raises MarketError without credentials, permission
    (`ec2:DescribeAvailabilityZones`) or network.
    """
    with asked(ACTION, region):
        answer = client("ec2", region).describe_availability_zones(AllAvailabilityZones=True)
    return {zone["ZoneName"]: zone["ZoneId"] for zone in answer["AvailabilityZones"]}
