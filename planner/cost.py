"""What does a plan cost, line by line, and what would building it otherwise add?

A component without a known price is named and left out of the sums, never counted as free; for the same reason
candidates are compared by their machines' money alone. Where a price falls with the amount, the first tier's is used:
the sums are never too low for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from planner.plan import Cost, CostLine
from planner.recipe import Recipe
from planner.shape import ModelShape
from planner.terms import committed_hours
from planner.training_time import START_UP_S
from planner.usage import CHECKPOINT_INTERVAL_H, Use, other_uses, uses
from planner.workload import Workload
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.price import Component
from pricing.units import HOUR_S, HOURS_PER_MONTH, show_duration

# From the loss of a node until the job runs again: a new node starts as the first did.
RESTART_H = START_UP_S / HOUR_S
# What is sold by the month; everything else is sold by the hour, or by what flows each hour.
_PER_MONTH = "-month"


def wasted_share(offer: Offer, market: Market) -> float | None:
    """Machine time that one node's interruptions are expected to waste, as a share of a training run.

    The share p of a type's spot instances that EC2 took back within a month gives a node's rate, -ln(1 - p) a month;
    any node's loss stops all, for a restart and half a checkpoint's interval. 0 where nothing is interrupted, None
    where no share is known.
    """
    if offer.purchase is not Purchase.SPOT:
        return 0.0
    band = market.interruptions.get((offer.instance_type, offer.region))
    if band is None:
        return None
    per_hour = -math.log1p(-(band.low + band.high) / 2) / HOURS_PER_MONTH
    return per_hour * (RESTART_H + CHECKPOINT_INTERVAL_H / 2)


def cost_of(
    workload: Workload,
    shape: ModelShape,
    recipe: Recipe,
    offer: Offer,
    nodes: int,
    run_hours: float | None,
    market: Market,
) -> Cost:
    """The bill of `nodes` bought by `offer`, and what building it otherwise would add; None hours for a service."""
    bill = _Bill(nodes=nodes, region=offer.region, run_hours=run_hours, market=market)
    per_hour = offer.usd_per_hour_per_node * nodes
    lines = [bill.hourly("instances", per_hour, f"{nodes} x {offer.instance_type}, {offer.purchase}")]
    if workload.training and offer.purchase is Purchase.SPOT:
        lines.append(_restarts(bill, offer))
    idle = _idle(bill, offer)
    if idle and offer.purchase is Purchase.CAPACITY_BLOCK:
        lines.append(idle)
    lines += [bill.line(use) for use in uses(workload, shape, recipe)]
    # A block is bought for this run; a commitment may serve another job after it.
    commitment = (idle,) if idle and offer.purchase is not Purchase.CAPACITY_BLOCK else ()
    others = [bill.line(use) for use in other_uses(workload, nodes)]
    return Cost(
        lines=tuple(lines),
        elsewhere=(*commitment, _premium(bill, offer), *others),
        usd_per_hour=_sum(line.usd_per_hour for line in lines),
        usd_per_run=None if run_hours is None else _sum(line.usd_per_run for line in lines),
        usd_per_month=_sum(line.usd_per_month for line in lines),
        unpriced=tuple(line.name for line in lines if line.usd_per_month is None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """What all lines of a bill are multiplied with."""

    nodes: int
    region: str
    run_hours: float | None
    market: Market

    def hourly(self, name: str, usd_per_hour: Decimal, basis: str, once: Decimal = Decimal(0)) -> CostLine:
        """A line that costs so much an hour, and `once` at the start."""
        run = None if self.run_hours is None else _micro(usd_per_hour * Decimal(self.run_hours) + once)
        return CostLine(
            name=name,
            usd_per_hour=_micro(usd_per_hour),
            usd_per_run=run,
            usd_per_month=_micro(usd_per_hour * HOURS_PER_MONTH + once),
            basis=basis,
        )

    def line(self, use: Use) -> CostLine:
        """The line of a use, unknown where its component has no price."""
        price = _unit_price(self.market, use.component, self.region)
        if price is None:
            return unknown(use.name, f"{use.basis}; no price of {use.component} is known in {self.region}")
        units = Decimal(use.fixed + use.per_node * self.nodes)
        once = Decimal(use.once_per_node * self.nodes)
        return self.hourly(use.name, units * price / _hours_bought(use.component), use.basis, once * price)


def unknown(name: str, basis: str) -> CostLine:
    """A line whose amount nobody knows."""
    return CostLine(name=name, usd_per_hour=None, usd_per_run=None, usd_per_month=None, basis=basis)


def _restarts(bill: _Bill, offer: Offer) -> CostLine:
    share = wasted_share(offer, bill.market)
    band = bill.market.interruptions.get((offer.instance_type, offer.region))
    if share is None or band is None:
        return unknown("spot restarts", f"no source states how often {offer.instance_type} is interrupted")
    lost = share * bill.nodes
    basis = f"{band.says} of instances interrupted within a month: {100 * lost:.3g}% of the time lost"
    return bill.hourly("spot restarts", offer.usd_per_hour_per_node * bill.nodes * Decimal(lost), basis)


def _idle(bill: _Bill, offer: Offer) -> CostLine | None:
    """What of a block or commitment is paid for and not used by the run; None where nothing is."""
    paid = committed_hours(offer.purchase, bill.run_hours)
    if paid is None or bill.run_hours is None:
        return None
    idle = max(paid - bill.run_hours, 0.0)
    usd = _micro(offer.usd_per_hour_per_node * bill.nodes * Decimal(idle))
    return CostLine(
        name="idle reserved capacity",
        usd_per_hour=Decimal(0),
        usd_per_run=usd,
        usd_per_month=usd,
        basis=f"{show_duration(paid * HOUR_S)} are paid for, {show_duration(bill.run_hours * HOUR_S)} used",
    )


def _premium(bill: _Bill, offer: Offer) -> CostLine:
    """What SageMaker HyperPod charges for the same instances beyond EC2's on-demand price."""
    name, managed_type = "SageMaker HyperPod", f"ml.{offer.instance_type}"
    managed = bill.market.sagemaker_price(offer.instance_type, offer.region)
    plain = min(
        (
            each.usd_per_hour_per_node
            for each in (*bill.market.offers, *bill.market.other_offers)
            if (each.instance_type, each.region) == (offer.instance_type, offer.region)
            and each.purchase is Purchase.ON_DEMAND
        ),
        default=None,
    )
    if managed is None or plain is None:
        missing = f"{managed_type} as a HyperPod node" if managed is None else f"{offer.instance_type} on demand"
        return unknown(name, f"no price of {missing} is known in {offer.region}")
    return bill.hourly(name, (managed - plain) * bill.nodes, f"{managed_type} beyond {offer.instance_type}, on demand")


def _unit_price(market: Market, component: Component, region: str) -> Decimal | None:
    """USD of one unit, at the first tier; None where no price is known."""
    tiers = market.components.get((component, region))
    return tiers[0].price if tiers else None


def _hours_bought(component: Component) -> int:
    """Hours that one price pays for."""
    return HOURS_PER_MONTH if component.endswith(_PER_MONTH) else 1


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((each for each in amounts if each is not None), Decimal(0))


def _micro(amount: Decimal) -> Decimal:
    """AWS publishes hourly prices to a millionth of a dollar or less."""
    return amount.quantize(Decimal("0.000001"))
