"""What should a reader of the plan not overlook?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from planner.plan import Candidate
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Purchase

# AWS cut P4 and P5 prices by a third within one quarter (June 2025): older figures are doubtful.
OLD_PRICE_DAYS = 90


def warnings_of(
    workload: Workload, chosen: Candidate, machine: InstanceType, market: Market, now: datetime
) -> tuple[str, ...]:
    """Sentences on doubtful prices, unmeasured predictions and what the plan leaves out."""
    return tuple(_warnings(workload, chosen, machine, market, now))


def _warnings(
    workload: Workload, chosen: Candidate, machine: InstanceType, market: Market, now: datetime
) -> Iterator[str]:
    yield from market.notes
    age = chosen.provenance.age_days(now.date())
    if age > OLD_PRICE_DAYS:
        yield f"The price of {chosen.instance_type} is {age} days old; check it before you commit."
    if chosen.purchase is Purchase.SPOT:
        yield "Spot instances can be interrupted; restarts are not in the predicted time and cost."
    band = chosen.run.band if chosen.run else chosen.service.band if chosen.service else None
    if band and "not measured" in band.basis:
        yield f"{band.basis}: the time band is wide."
    if workload.training and workload.limits.deadline is None:
        yield "No deadline is given; 30 days were assumed."
    if chosen.service and chosen.nodes > 1 and chosen.layout.devices <= machine.devices:
        yield f"{chosen.nodes} independent instances serve; the stack puts no load balancer before them."
    if chosen.nodes > 1 and not machine.efa_cards:
        yield f"{chosen.instance_type} has no EFA: its nodes talk over TCP."
    yield "Costs are those of the instances; storage, NAT and data transfer are not in them."
