"""What does SageMaker take for an instance, and for which use of it?

SageMaker prices one `ml.` instance once per component (Hosting, Training, Notebook, Cluster, ...), and the prices
differ. A price keeps its component at the head of its source; a price without one is of no known use.
"""

from __future__ import annotations

from collections.abc import Iterable

from pricing.offer import Purchase
from pricing.price import PriceRow

# HyperPod's nodes: usage type `USE1-Cluster:ml.g5.8xlarge`, instance type `ml.g5.8xlarge-Cluster` (SKU
# YQXD4PZ3BTQ5N2P4 of the Price List of 2026-09-15); the workshop kit of HyperPod reads its bills by the same name.
HYPERPOD = "Cluster"
_HEAD = "SageMaker "
_END = ": "


def named(component: str, source: str) -> str:
    """The source of a price of a component."""
    return f"{_HEAD}{component}{_END}{source}"


def component_of(row: PriceRow) -> str:
    """The component that a price is of; empty where its source does not say."""
    head, end, _ = row.provenance.source.partition(_END)
    return head.removeprefix(_HEAD) if end and head.startswith(_HEAD) else ""


def is_of_cluster(row: PriceRow) -> bool:
    """Whether a price is that of a HyperPod node: of its component on demand, or of a plan, which covers all uses."""
    return component_of(row) == HYPERPOD or row.purchase is not Purchase.ON_DEMAND


def hyperpod_price(rows: Iterable[PriceRow], instance_type: str, region: str) -> PriceRow | None:
    """What a HyperPod node of an EC2 instance type costs on demand, premium included; the newest price known.

    The premium is this price less EC2's own of the same day. None means unknown: the price of another component
    or region does not stand in.
    """
    wanted = f"ml.{instance_type.removeprefix('ml.')}", region
    known = [row for row in rows if (row.instance_type, row.region) == wanted and component_of(row) == HYPERPOD]
    return max(known, key=lambda row: row.provenance.as_of, default=None)
