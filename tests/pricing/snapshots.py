"""Which snapshots do the tests of the market keep?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from pricing.cache import cache_path
from pricing.feed import Feed, Offering, Row
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import Block, Component, ComponentPrice, Interruption, PriceRow, Quota, QuotaKind, Reservation
from pricing.snapshot import Snapshot, snapshot_json

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REGION = "us-east-1"
SAID = Provenance(source="a test", as_of=NOW.date(), effective=NOW.date())


def price(
    instance_type: str = "p5.48xlarge",
    usd: str = "1.25",
    *,
    region: str = REGION,
    purchase: Purchase = Purchase.ON_DEMAND,
    payment: Payment = Payment.UNSTATED,
    currency: str = "USD",
    zone_id: str = "",
) -> PriceRow:
    """A Linux price."""
    return PriceRow(
        instance_type=instance_type,
        region=region,
        purchase=purchase,
        payment=payment,
        price_per_hour_per_node=Decimal(usd),
        currency=currency,
        operating_system="linux",
        zone_id=zone_id,
        provenance=SAID,
    )


def block(instance_type: str = "p5.48xlarge", fee: str = "100.10", zone_id: str = "use1-az6", count: int = 2) -> Block:
    """A Capacity Block of a day, less the half hour that it ends early."""
    starts_at = datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
    return Block(
        name=instance_type,
        count=count,
        region=REGION,
        zone_id=zone_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=24),
        fee=Decimal(fee),
        currency="USD",
    )


def reservation(ends_at: datetime | None = None, *, is_block: bool = False, count: int = 4) -> Reservation:
    """Four instances, reserved an hour ago."""
    return Reservation(
        id="cr-0123456789abcdef0",
        instance_type="p5.48xlarge",
        region=REGION,
        zone_id="use1-az6",
        count=count,
        is_block=is_block,
        starts_at=NOW - timedelta(hours=1),
        ends_at=ends_at,
    )


ROWS: dict[Feed, Row] = {
    Feed.PRICES: price(),
    Feed.SPOT: price(purchase=Purchase.SPOT, zone_id="use1-az6"),
    Feed.SAVINGS_PLANS: price(purchase=Purchase.COMPUTE_SAVINGS_PLAN_3YR, payment=Payment.NO_UPFRONT),
    Feed.CAPACITY_BLOCKS: block(),
    Feed.INTERRUPTIONS: Interruption(instance_type="p5.48xlarge", region=REGION, low=0.05, high=0.1, provenance=SAID),
    Feed.OFFERINGS: Offering(instance_type="p5.48xlarge", region=REGION, zone_ids=("use1-az6",), provenance=SAID),
    Feed.QUOTAS: Quota(kind=QuotaKind.ON_DEMAND_VCPUS, subject="p5.48xlarge", region=REGION, value=Decimal("384.0")),
    Feed.CLUSTER_QUOTAS: Quota(
        kind=QuotaKind.CLUSTER_INSTANCES, subject="ml.p5.48xlarge", region=REGION, value=Decimal(4)
    ),
    Feed.RESERVATIONS: reservation(),
    Feed.SAGEMAKER: price("ml.p5.48xlarge"),
    Feed.COMPONENTS: ComponentPrice(
        component=Component.S3_GET_REQUEST,
        region=REGION,
        price=Decimal("4E-7"),
        currency="USD",
        starts_at=Decimal(0),
        provenance=SAID,
    ),
}
"""A row of each feed."""


def snapshot(
    feed: Feed = Feed.PRICES, *rows: Row, age: timedelta = timedelta(), findings: tuple[str, ...] = ()
) -> Snapshot:
    """A feed of us-east-1 as it was some time before `NOW`, with a row unless others are given."""
    return Snapshot(feed=feed, region=REGION, fetched_at=NOW - age, rows=rows or (ROWS[feed],), findings=findings)


def kept(found: Snapshot) -> Path:
    """The file of a snapshot that is put into the cache as it is."""
    path = cache_path(found.feed, found.region)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(snapshot_json(found), encoding="utf-8")
    return path
