"""Are regions and zones known by name, those too of which the bundle has no list?"""

from __future__ import annotations

import pytest

from pricing.regions import ASKED_ONLY, known_regions, known_zones, region_of_zone, zone_prefix


def test_zones_begin_with_their_regions_name() -> None:
    """The rule by which an unlisted zone finds its region holds for every zone that is listed."""
    assert [zone for zone, region in known_zones().items() if not zone.startswith(zone_prefix(region))] == []
    prefixes = [zone_prefix(region) for region in known_regions()]
    assert len(set(prefixes)) == len(prefixes)


@pytest.mark.parametrize(
    ("zone", "region"),
    [
        ("use1-az6", "us-east-1"),
        ("usgw1-az1", "us-gov-west-1"),
        ("caw1-az3", "ca-west-1"),
        ("cnnw1-az2", "cn-northwest-1"),
        ("use1-az99", None),
        ("moon1-az1", None),
    ],
)
def test_a_zone_leads_to_its_region(zone: str, region: str | None) -> None:
    """By the list where there is one, and by its beginning where there is none; a slip in a listed region is one."""
    assert region_of_zone(zone) == region


def test_regions_that_only_aws_knows_are_regions() -> None:
    """Nothing is bundled of them, and they can be asked for."""
    assert known_regions() > set(ASKED_ONLY)
    assert not set(ASKED_ONLY) & set(known_zones().values())
