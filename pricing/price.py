"""What does a price list state? The rows that the bundle, the cache and the live APIs all hand over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from pricing.offer import Payment, Provenance, Purchase


class PriceRow(Struct, frozen=True, kw_only=True):
    """One price per hour and node of an EC2 instance type, or of an `ml.` one, in its own currency.

    `operating_system` is `linux` or `windows`. `zone_id` is set on spot prices, which differ by zone. Fees that
    are paid up front are folded in: hourly part + fee / hours of the term.
    """

    instance_type: str
    region: str
    purchase: Purchase
    payment: Payment
    price_per_hour_per_node: Decimal
    currency: str
    operating_system: str
    zone_id: str
    provenance: Provenance

    @property
    def subject(self) -> tuple[str, ...]:
        """What the price is for: rows with the same subject supersede each other."""
        return (self.instance_type, self.region, self.purchase, self.payment, self.operating_system, self.zone_id)


class Listing(Struct, frozen=True, kw_only=True):
    """What one source states: its prices, and in whole sentences what it states badly, or twice.

    What a finding calls unknown has no row.
    """

    rows: tuple[PriceRow, ...]
    findings: tuple[str, ...]


class Component(StrEnum):
    """What a plan pays for beside its instances. The unit stands in the name: one is priced."""

    EBS_GP3_GIB_MONTH = "ebs-gp3-gib-month"
    EBS_GP3_IOPS_MONTH = "ebs-gp3-iops-month"
    EBS_GP3_MIB_PER_S_MONTH = "ebs-gp3-mib-per-s-month"
    FSX_LUSTRE_SCRATCH_GIB_MONTH = "fsx-lustre-scratch-gib-month"
    FSX_LUSTRE_PERSISTENT_125_GIB_MONTH = "fsx-lustre-persistent-125-gib-month"
    FSX_LUSTRE_PERSISTENT_250_GIB_MONTH = "fsx-lustre-persistent-250-gib-month"
    FSX_LUSTRE_PERSISTENT_500_GIB_MONTH = "fsx-lustre-persistent-500-gib-month"
    FSX_LUSTRE_PERSISTENT_1000_GIB_MONTH = "fsx-lustre-persistent-1000-gib-month"
    S3_STANDARD_GIB_MONTH = "s3-standard-gib-month"
    S3_PUT_REQUEST = "s3-put-request"
    S3_GET_REQUEST = "s3-get-request"
    LOGS_INGESTED_GIB = "logs-ingested-gib"
    LOGS_STORED_GIB_MONTH = "logs-stored-gib-month"
    METRIC_MONTH = "metric-month"
    ALARM_MONTH = "alarm-month"
    DASHBOARD_MONTH = "dashboard-month"
    NAT_GATEWAY_HOUR = "nat-gateway-hour"
    NAT_GATEWAY_GIB = "nat-gateway-gib"
    INTERFACE_ENDPOINT_HOUR = "interface-endpoint-hour"
    INTERFACE_ENDPOINT_GIB = "interface-endpoint-gib"
    PUBLIC_ADDRESS_HOUR = "public-address-hour"
    TRANSFER_OUT_GIB = "transfer-out-gib"
    TRANSFER_BETWEEN_ZONES_GIB = "transfer-between-zones-gib"
    LOAD_BALANCER_HOUR = "load-balancer-hour"
    LOAD_BALANCER_UNIT_HOUR = "load-balancer-unit-hour"
    EKS_CLUSTER_HOUR = "eks-cluster-hour"
    PCS_SMALL_CONTROLLER_HOUR = "pcs-small-controller-hour"
    PCS_MEDIUM_CONTROLLER_HOUR = "pcs-medium-controller-hour"
    PCS_LARGE_CONTROLLER_HOUR = "pcs-large-controller-hour"


class ComponentPrice(Struct, frozen=True, kw_only=True):
    """The price of one unit of a component, from `starts_at` units a month on (0 where there are no tiers)."""

    component: Component
    region: str
    price: Decimal
    currency: str
    starts_at: Decimal
    provenance: Provenance


class QuotaKind(StrEnum):
    """What a quota of an account counts."""

    ON_DEMAND_VCPUS = "on-demand-vcpus"
    SPOT_VCPUS = "spot-vcpus"
    CLUSTER_INSTANCES = "cluster-instances"
    NETWORK_INTERFACES = "network-interfaces"


class Quota(Struct, frozen=True, kw_only=True):
    """What an account may run in a region.

    `subject` is what the quota is for: the instance type that it bounds (several types share the vCPUs of one
    quota), the `ml.` type of a HyperPod cluster, or empty for network interfaces.
    """

    kind: QuotaKind
    subject: str
    region: str
    value: Decimal


class Block(Struct, frozen=True, kw_only=True):
    """A Capacity Block on offer. `fee` is for all its instances and its whole time, and is due at once.

    `name` is an instance type, or an UltraServer type. Times are in UTC; a block ends at 11:30, so that its
    hours are seldom a multiple of 24.
    """

    name: str
    count: int
    region: str
    zone_id: str
    starts_at: datetime
    ends_at: datetime
    fee: Decimal
    currency: str


class Reservation(Struct, frozen=True, kw_only=True):
    """Instances that the account has reserved in a zone: a Capacity Block, or on demand and billed whether used or not.

    Times are in UTC; `ends_at` is None where it stands until it is cancelled.
    """

    id: str
    instance_type: str
    region: str
    zone_id: str
    count: int
    is_block: bool
    starts_at: datetime
    ends_at: datetime | None


class BlockListing(Struct, frozen=True, kw_only=True):
    """The Capacity Blocks that EC2 offered, and in whole sentences what it could not be asked.

    `refused` has the sentence on each name that cannot be had as a block.
    """

    blocks: tuple[Block, ...]
    findings: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)


class Placement(Struct, frozen=True, kw_only=True):
    """How likely spot capacity is: EC2's score of 1 to 10 for so many instances in a zone."""

    instance_type: str
    count: int
    region: str
    zone_id: str
    score: int


class Interruption(Struct, frozen=True, kw_only=True):
    """Which share of a type's spot instances EC2 took back within the last month: `low` to `high`, of 1.

    Of the highest band, which is open, both are its lower edge: the least that is to be expected.
    """

    instance_type: str
    region: str
    low: float
    high: float
    provenance: Provenance

    @property
    def says(self) -> str:
        """The band in words."""
        return f"{self.low:.0%} to {self.high:.0%}" if self.low < self.high else f"over {self.low:.0%}"
