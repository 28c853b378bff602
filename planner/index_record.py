"""What does a plan say of a vector index?"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from pricing.offer import Provenance, Purchase


class IndexFleet(Struct, frozen=True, kw_only=True):
    """Instances that hold all copies of a vector index. Bytes, USD.

    `memory` says which of a node's memory is meant. `queries_per_s` is what its rate allows at most, one query after
    another, None where no formula gives it.
    """

    instance_type: str
    memory: str
    memory_bytes_per_node: int
    usable_bytes_per_node: int
    nodes_per_copy: int
    nodes: int
    region: str
    purchase: Purchase
    usd_per_hour: Decimal
    usd_per_month: Decimal
    provenance: Provenance
    queries_per_s: float | None


class IndexPlan(Struct, frozen=True, kw_only=True):
    """A vector index and where it stands. Bytes of one copy by cause; `formula` is where they
    come from, `rejections` the reason by instance type."""

    workload: str
    method: str
    engine: str
    vectors: int
    dimensions: int
    copies: int
    terms: Mapping[str, float]
    bytes_per_copy: int
    formula: str
    chosen: IndexFleet
    runners_up: tuple[IndexFleet, ...]
    rejections: Mapping[str, str]
    notes: tuple[str, ...]
