"""Which regions and zones are there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pricing.bundle_prices import offerings, price_rows
from pricing.catalog import DATA
from pricing.errors import MarketError
from pricing.wording import close_match

ASKED_ONLY = (
    "ap-east-2",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "cn-northwest-1",
    "eusc-de-east-1",
    "mx-central-1",
)
"""Regions of which the bundle knows nothing, and AWS can be asked (botocore's endpoints, without the secret ones)."""

# How zone ids shorten a region's words; so do those of all regions whose zones are known.
_SHORT = {
    "gov": "g",
    "central": "c",
    **{word: word[0] for word in ("north", "south", "east", "west")},
    **{word: word[0] + word[5] for word in ("northeast", "northwest", "southeast", "southwest")},
}


def known_regions(folder: Path = DATA) -> frozenset[str]:
    """The regions of which a price or an offering is known, and those that only AWS knows the prices of."""
    bundled = {region for _, region in offerings(folder)} | {row.region for row in price_rows(folder)}
    return frozenset(bundled | set(ASKED_ONLY))


def known_zones(folder: Path = DATA) -> Mapping[str, str]:
    """The region of every zone of which an offering is known."""
    return {zone: region for (_, region), zones in offerings(folder).items() for zone in zones}


def zone_prefix(region: str) -> str:
    """What the ids of a region's zones begin with: `usgw1-` of us-gov-west-1."""
    first, *words, number = region.split("-")
    return f"{first}{''.join(_SHORT.get(word, word) for word in words)}{number}-"


def region_of_zone(zone_id: str, folder: Path = DATA) -> str | None:
    """The region of a zone; None for an id that no known region's zones have, by their list or by how they begin."""
    zones = known_zones(folder)
    unlisted = known_regions(folder) - set(zones.values())
    return zones.get(zone_id) or next((each for each in unlisted if zone_id.startswith(zone_prefix(each))), None)


def refuse_unknown(regions: Sequence[str], folder: Path = DATA) -> None:
    """Raises MarketError, with the regions that may be meant, for those that are none."""
    known = known_regions(folder)
    findings = [
        f"No price and no offering is known of a region {region}{close_match(region, known)}"
        for region in regions
        if region not in known
    ]
    if findings:
        raise MarketError(findings)
