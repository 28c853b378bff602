"""Do EC2's spot placement scores become placements by zone?"""

from __future__ import annotations

import pytest

from pricing.aws.placement_scores import placement_scores
from pricing.errors import MarketError
from tests.support.recorded import Replay, recorded

CALL = "GetSpotPlacementScores"


def test_scores_of_all_pages_the_likeliest_first(aws: Replay) -> None:
    """Zones are ranked by score, then by name."""
    aws.answers(CALL, recorded(CALL, "page1.xml"), recorded(CALL, "page2.xml"))
    found = placement_scores("us-east-1", "p5.48xlarge", 4)
    assert [(each.zone_id, each.score) for each in found] == [("use1-az1", 3), ("use1-az2", 3), ("use1-az6", 1)]
    assert {(each.instance_type, each.count, each.region) for each in found} == {("p5.48xlarge", 4, "us-east-1")}


def test_zones_of_one_region_are_asked_for(aws: Replay) -> None:
    """Nodes of one cluster lie in one zone, so zones are scored, for whole instances and not for vCPUs."""
    aws.answers(CALL, recorded(CALL, "page2.xml"))
    placement_scores("us-east-1", "p5.48xlarge", 4)
    (request,) = aws.requests(CALL)
    wanted = {"InstanceType.1": "p5.48xlarge", "TargetCapacity": "4", "TargetCapacityUnitType": "units"}
    wanted |= {"SingleAvailabilityZone": "true", "RegionName.1": "us-east-1"}
    assert {name: request[name] for name in wanted} == {name: [value] for name, value in wanted.items()}


def test_a_score_without_a_zone_is_no_placement(aws: Replay) -> None:
    """A region's score says nothing of its zones."""
    aws.answers(CALL, recorded(CALL, "region.xml"))
    assert placement_scores("us-east-1", "p5.48xlarge", 4) == ()


def test_too_many_questions_a_day_are_an_error(aws: Replay) -> None:
    """EC2 limits how many configurations an account may have scored a day."""
    aws.refuses(CALL, "MaxConfigLimitExceeded", "You have exceeded your maximum allowed Spot placement configurations.")
    with pytest.raises(MarketError, match="maximum allowed Spot placement configurations"):
        placement_scores("us-east-1", "p5.48xlarge", 4)
