"""What is AWS asked for, by region, and for how long is the answer good?

A *feed* is one API's answer for one region. It is had whole or not at all: a type that is missing in it is unknown,
and is never looked up elsewhere.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from pricing.offer import Provenance, Purchase
from pricing.price import Block, ComponentPrice, Interruption, PriceRow, Quota, Reservation


class Feed(StrEnum):
    """The feeds. `prices` are those on demand and reserved, `components` those of what is not an instance.

    `quotas` are EC2's, `cluster-quotas` those of HyperPod, which stand among some thousand of SageMaker's.
    """

    PRICES = "prices"
    SPOT = "spot"
    SAVINGS_PLANS = "savings-plans"
    CAPACITY_BLOCKS = "capacity-blocks"
    INTERRUPTIONS = "interruptions"
    OFFERINGS = "offerings"
    QUOTAS = "quotas"
    CLUSTER_QUOTAS = "cluster-quotas"
    SAGEMAKER = "sagemaker"
    COMPONENTS = "components"
    RESERVATIONS = "reservations"

    @property
    def named(self) -> str:
        """The feed in a sentence."""
        return _NAMES[self]


Place = tuple[str, Feed]
"""A region, and a feed of it."""


class Offering(Struct, frozen=True, kw_only=True):
    """The zones of a region that sell an instance type; one that no row names is not sold there."""

    instance_type: str
    region: str
    zone_ids: tuple[str, ...]
    provenance: Provenance


Row = PriceRow | Block | Interruption | Offering | Quota | ComponentPrice | Reservation


class Answer(Struct, frozen=True, kw_only=True):
    """All that an API states of a region, and in whole sentences what it states badly."""

    rows: tuple[Row, ...]
    findings: tuple[str, ...] = ()


FEED_OF = {
    Purchase.ON_DEMAND: Feed.PRICES,
    Purchase.RESERVED_1YR: Feed.PRICES,
    Purchase.RESERVED_3YR: Feed.PRICES,
    Purchase.SPOT: Feed.SPOT,
    Purchase.CAPACITY_BLOCK: Feed.CAPACITY_BLOCKS,
    Purchase.SAVINGS_PLAN_1YR: Feed.SAVINGS_PLANS,
    Purchase.SAVINGS_PLAN_3YR: Feed.SAVINGS_PLANS,
    Purchase.COMPUTE_SAVINGS_PLAN_1YR: Feed.SAVINGS_PLANS,
    Purchase.COMPUTE_SAVINGS_PLAN_3YR: Feed.SAVINGS_PLANS,
}
"""Which feed prices a purchase."""

OF_ACCOUNT = frozenset({Feed.QUOTAS, Feed.CLUSTER_QUOTAS, Feed.CAPACITY_BLOCKS, Feed.RESERVATIONS})
"""What may differ between accounts: their quotas and reservations, and which blocks they are offered."""

MAY_BE_EMPTY = frozenset({Feed.CAPACITY_BLOCKS, Feed.INTERRUPTIONS, Feed.CLUSTER_QUOTAS, Feed.RESERVATIONS})
"""Of all others an empty answer says that something is wrong, not that nothing is sold."""

YOUNG = {
    # List prices changed four times in a year and a half; a day late is early enough.
    Feed.PRICES: timedelta(hours=24),
    Feed.SAVINGS_PLANS: timedelta(hours=24),
    Feed.SAGEMAKER: timedelta(hours=24),
    # EC2 sets a zone's spot price anew when supply and demand have moved, which they do within hours.
    Feed.SPOT: timedelta(hours=1),
    # A block on offer is gone as soon as somebody buys it.
    Feed.CAPACITY_BLOCKS: timedelta(minutes=15),
    # Rates are over the last month.
    Feed.INTERRUPTIONS: timedelta(days=1),
    # Zones get new types some times a year; disks and gateways get new prices less often.
    Feed.OFFERINGS: timedelta(days=7),
    Feed.COMPONENTS: timedelta(days=7),
    # Who has just been granted more nodes wants to plan with them.
    Feed.QUOTAS: timedelta(hours=1),
    Feed.CLUSTER_QUOTAS: timedelta(hours=1),
    # Who has just reserved wants to plan with it.
    Feed.RESERVATIONS: timedelta(minutes=15),
}
"""How long a feed is taken as it is, without asking again."""

_NAMES = {
    Feed.PRICES: "prices",
    Feed.SPOT: "spot prices",
    Feed.SAVINGS_PLANS: "Savings Plans rates",
    Feed.CAPACITY_BLOCKS: "Capacity Blocks",
    Feed.INTERRUPTIONS: "interruption rates",
    Feed.OFFERINGS: "zones",
    Feed.QUOTAS: "quotas",
    Feed.CLUSTER_QUOTAS: "quotas of HyperPod",
    Feed.SAGEMAKER: "SageMaker prices",
    Feed.COMPONENTS: "component prices",
    Feed.RESERVATIONS: "capacity reservations",
}
