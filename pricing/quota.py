"""How many nodes does an account's quota allow?

A quota is a fact of one account: no quota known means that nothing is known, not that nothing or anything goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pricing.offer import Purchase
from pricing.price import Quota, QuotaKind

# A commitment is a discount on on-demand use, and is bounded as that is.
_COUNTED_IN = {each: QuotaKind.ON_DEMAND_VCPUS for each in Purchase} | {Purchase.SPOT: QuotaKind.SPOT_VCPUS}
# Capacity Blocks have quotas of their own, in instances, which Berth does not ask for.
del _COUNTED_IN[Purchase.CAPACITY_BLOCK]


def nodes_allowed(
    quotas: Iterable[Quota], instance_type: str, vcpus: int, purchase: Purchase, region: str
) -> int | None:
    """How many nodes of an instance type may run in a region at once; None where that is unknown.

    `vcpus` is the type's. Of an `ml.` type the quota counts instances; of any other, vCPUs of all running types
    that share the quota, and what runs already is not subtracted.
    """
    if instance_type.startswith("ml."):
        counted_in, per_node = QuotaKind.CLUSTER_INSTANCES, 1
    elif purchase in _COUNTED_IN:
        counted_in, per_node = _COUNTED_IN[purchase], vcpus
    else:
        return None
    found = _value(quotas, counted_in, instance_type, region)
    return None if found is None else int(found // per_node)


def interfaces_allowed(quotas: Iterable[Quota], region: str) -> int | None:
    """How many network interfaces an account may have in a region; None where that is unknown.

    Each node of an EFA cluster takes its own and one per network card: 32 nodes of p5.48xlarge take 33 each, 1,056.
    """
    found = _value(quotas, QuotaKind.NETWORK_INTERFACES, "", region)
    return None if found is None else int(found)


def _value(quotas: Iterable[Quota], kind: QuotaKind, subject: str, region: str) -> Decimal | None:
    values = {each.value for each in quotas if (each.kind, each.subject, each.region) == (kind, subject, region)}
    # Two values for one thing: whichever were taken, it could be the wrong one.
    return values.pop() if len(values) == 1 else None
