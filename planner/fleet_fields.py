"""How is a fleet of replicas to follow its load, and survive losses?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from planner.fields import Section

HOURS = 24


def _time_zone(name: str) -> str:
    # A folder of small files, which only who names a zone waits for.
    from zoneinfo import available_timezones

    known = available_timezones()
    if known and name not in known:
        raise ValueError(f"{name!r} is no time zone; write one of IANA's, such as Europe/Berlin or America/New_York")
    return name


class Fleet(Section):
    """Replicas beyond those that the load takes, and when they run."""

    headroom: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Load that may come on top of the planned one, as a share of it, such as 0.25."""
    spare: Literal["none", "node", "zone"] = "none"
    """What may fail without missing the load: nothing, one node, or one of the two zones that nodes stand in."""
    profile: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=HOURS, max_length=HOURS)] | (
        None
    ) = None
    """Load in each hour of the day, midnight first, as 24 shares of the planned one; scaling follows it."""
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Etc/UTC"
    """Time zone of those hours, by its IANA name, such as Europe/Berlin."""
    trace: str | None = None
    """Recorded arrivals that the profile is taken from: CSV beside this file, arrival_s,input_tokens,output_tokens."""
    spot_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the nodes that are bought on spot, where the rest is on demand and the first to run."""
    weights_from: Literal["s3", "ebs", "fsx", "nvme"] = "s3"
    """Where a new node reads the weights: a bucket, its gp3 volume, FSx for Lustre, or local disks that have them. A
    serving-fleet takes s3 and fsx."""
