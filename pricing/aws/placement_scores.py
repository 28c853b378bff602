"""How likely is spot capacity? (EC2 GetSpotPlacementScores)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pricing.aws.pages import pages
from pricing.aws.session import asked, client
from pricing.price import Placement

ACTION = "ec2:GetSpotPlacementScores"
# The API's largest page (botocore's model).
PAGE = 1000


def placement_scores(region: str, instance_type: str, count: int) -> tuple[Placement, ...]:
    """EC2's score of 1 to 10, by zone of a region, for so many spot instances of a type in one zone.

    Scores compare zones, and hold for the moment: EC2 rates a request for one or two types always low, whatever
    there is. A zone that is not scored is left out. Raises MarketError without credentials, permission
    (`ec2:GetSpotPlacementScores`) or network, and when the account has asked for too many scores today.
    """
    with asked(ACTION, region):
        answers = pages(
            client("ec2", region).get_spot_placement_scores,
            InstanceTypes=[instance_type],
            TargetCapacity=count,
            TargetCapacityUnitType="units",
            SingleAvailabilityZone=True,
            RegionNames=[region],
            MaxResults=PAGE,
        )
    scores = [each for page in answers for each in page.get("SpotPlacementScores", ())]
    return read_scores(scores, region, instance_type, count)


def read_scores(
    scores: Iterable[Mapping[str, Any]], region: str, instance_type: str, count: int
) -> tuple[Placement, ...]:
    """The placements in `SpotPlacementScores`, the likeliest first."""
    placements = [
        Placement(
            instance_type=instance_type,
            count=count,
            region=region,
            zone_id=str(each["AvailabilityZoneId"]),
            score=int(each["Score"]),
        )
        for each in scores
        if each.get("AvailabilityZoneId") and each.get("Score") and each.get("Region", region) == region
    ]
    return tuple(sorted(placements, key=lambda each: (-each.score, each.zone_id)))
