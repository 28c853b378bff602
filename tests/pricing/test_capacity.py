"""Is what EC2 says of capacity told region by region, refusals included?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pricing.capacity import blocks_on_offer, spot_scores
from pricing.errors import MarketError
from pricing.price import BlockListing, Placement
from tests.pricing.snapshots import block

P5 = "p5.48xlarge"


def test_scores_are_told_by_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zones with their scores, a region that scores none, and one that refuses."""

    def scored(region: str, instance_type: str, count: int) -> tuple[Placement, ...]:
        if region == "us-east-2":
            raise MarketError("AccessDenied")
        zones = {"use1-az6": 7, "use1-az1": 1} if region == "us-east-1" else {}
        return tuple(
            Placement(instance_type=instance_type, count=count, region=region, zone_id=zone, score=score)
            for zone, score in zones.items()
        )

    monkeypatch.setattr("pricing.capacity.placement_scores", scored)
    assert list(spot_scores(P5, ("us-east-1", "us-east-2", "us-west-2"), 4)) == [
        f"Spot placement scores for 4 x {P5} in us-east-1, of 10: use1-az6 7, use1-az1 1.",
        "Spot placement scores of us-east-2 could not be had: AccessDenied",
        f"Spot placement scores for 4 x {P5} in us-west-2, of 10: no zone is scored.",
    ]


def test_blocks_are_told_with_their_whole_fee(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fee of the whole block and its times; findings, none on offer, and a refusal are said."""

    def offered(region: str, names: Sequence[str], counts: Sequence[int], days: Sequence[int]) -> BlockListing:
        assert (names, counts, days) == ([P5], [2], [7])
        if region == "us-east-2":
            raise MarketError("AccessDenied")
        if region == "us-east-1":
            return BlockListing(blocks=(block(P5),), findings=("One was malformed.",))
        return BlockListing(blocks=(), findings=(), refused={P5: "It cannot be had."})

    monkeypatch.setattr("pricing.capacity.capacity_blocks", offered)
    assert list(blocks_on_offer(P5, ("us-east-1", "us-east-2", "us-west-2"), 2, 7)) == [
        "One was malformed.",
        f"Capacity Block of 2 x {P5} in use1-az6, 2026-12-01 11:30 to 2026-12-02 11:30 UTC: 100.10 USD for all of it.",
        "Capacity Blocks of us-east-2 could not be had: AccessDenied",
        "It cannot be had.",
        f"No Capacity Block of 2 x {P5} for 7 d is on offer in us-west-2.",
    ]
