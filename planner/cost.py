"""What does a plan cost, line by line, and what would building it otherwise add?

A component without a known price is named and left out of the sums, never counted as free; for the same reason
candidates are compared by their machines' money alone. Where a price falls with the amount, the first tier's is used:
the sums are never too low for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from planner.alternatives import other_uses
from planner.failures import failures_per_s
from planner.hyperpod import CONTROL_NODES, CONTROLLER_TYPE
from planner.index_record import IndexPlan
from planner.plan import Cost, CostLine, Target
from planner.recipe import Recipe
from planner.shape import ModelShape
from planner.surroundings import Use
from planner.terms import RunHours, committed_node_hours
from planner.training_time import START_UP_S
from planner.usage import CHECKPOINT_INTERVAL_H, uses
from planner.workload import Workload
from pricing.market import Market
from pricing.offer import Offer, Provenance, Purchase
from pricing.price import Component, ComponentPrice, Reservation
from pricing.records import replace
from pricing.units import HOUR_S, HOURS_PER_MONTH, MEGA, show_duration

# From the loss of a node until the job runs again: a new node starts as the first did.
RESTART_H = START_UP_S / HOUR_S
# Where no source states how often a type is interrupted, the worst band of those that AWS publishes is assumed.
UNSTATED_SHARE = 0.2
# What is sold by the month; everything else is sold by the hour, or by what flows each hour.
_PER_MONTH = "-month"
_IDLE = "idle reserved capacity"


def interruptions_per_h(offer: Offer, market: Market) -> float:
    """How often EC2 is expected to take one node back. 0 where nothing is interrupted."""
    if offer.purchase is not Purchase.SPOT:
        return 0.0
    return losses_per_hour(offer.instance_type, offer.region, market)


def losses_per_hour(instance_type: str, region: str, market: Market) -> float:
    """How many times an hour EC2 is expected to take back one spot instance of a type.

    The share p of a type's spot instances that were taken back within a month gives a rate of -ln(1 - p) a month.
    """
    band = market.interruptions.get((instance_type, region))
    share = UNSTATED_SHARE if band is None else (band.low + band.high) / 2
    return -math.log1p(-share) / HOURS_PER_MONTH


def wasted_share(offer: Offer, market: Market, lost_h: float | None = None) -> float:
    """Machine time that one node's interruptions are expected to waste, as a share of a run.

    Each costs a restart and `lost_h` hours, half a checkpoint's interval where None.
    """
    lost = CHECKPOINT_INTERVAL_H / 2 if lost_h is None else lost_h
    return interruptions_per_h(offer, market) * (RESTART_H + lost)


def wasted(offer: Offer, nodes: int, run: RunHours | None, market: Market) -> float:
    """Machine time that interruptions waste of a run on so many nodes, as a share of it: any node's loss stops all of
    them, or those that the run says."""
    stopped, lost = (run.stopped_nodes, run.lost) if run else (None, None)
    return (nodes if stopped is None else stopped) * wasted_share(offer, market, lost)


def usd_of_hours(offer: Offer, nodes: int, node_hours: float, market: Market, run: RunHours | None = None) -> Decimal:
    """USD of so many hours of all `nodes` together, with the time that interruptions of any of them waste; exact.

    The hours are paid at the offer's price; interruptions cost machine time on top of the run's.
    """
    return offer.usd_per_hour_per_node * Decimal(node_hours) * Decimal(1 + wasted(offer, nodes, run, market))


def cents(amount: Decimal) -> Decimal:
    """Money as it is shown; hourly prices keep the six digits that AWS publishes."""
    return amount.quantize(Decimal("0.01"))


def hundredth_cents(amount: Decimal) -> Decimal:
    """The money of a million tokens as a candidate shows it."""
    return amount.quantize(Decimal("0.0001"))


def millionths(amount: Decimal) -> Decimal:
    """Money as a bill sums it: AWS publishes hourly prices to a millionth of a dollar or less."""
    return amount.quantize(Decimal("0.000001"))


def cost_of(
    workload: Workload,
    shape: ModelShape,
    recipe: Recipe,
    offer: Offer,
    nodes: int,
    run: RunHours | None,
    market: Market,
    tokens_per_s: float | None = None,
) -> Cost:
    """The bill of `nodes` bought by `offer`, and what building it otherwise would add.

    A service has no run, but tokens in and out at the planned load; a batch job's tokens are the workload's.
    """
    bill = _Bill(nodes=nodes, region=offer.region, run=run, market=market)
    per_hour = offer.usd_per_hour_per_node * nodes
    basis = f"{nodes} x {offer.instance_type}, {offer.purchase}"
    lines = [bill.hourly("instances", per_hour, basis, provenance=offer.provenance)]
    if workload.ends and offer.purchase is Purchase.SPOT:
        lines.append(_restarts(bill, offer))
    idle = _idle(bill, offer)
    if idle and offer.purchase is Purchase.CAPACITY_BLOCK:
        lines.append(idle)
    lines += [bill.line(use) for use in uses(workload, shape, recipe)]
    # A block is bought for this run; a commitment may serve another job after it.
    commitment = (idle,) if idle and offer.purchase is not Purchase.CAPACITY_BLOCK else ()
    others = [bill.line(use) for use in other_uses(workload, nodes)]
    managed = _premium(bill, offer)
    if workload.provision.target is Target.HYPERPOD_SLURM:
        lines += [managed, _controllers(bill)]
    else:
        others.insert(0, managed)
    hourly = _sum(line.usd_per_hour for line in lines)
    whole = None if run is None else _sum(line.usd_per_run for line in lines)
    return Cost(
        lines=tuple(lines),
        elsewhere=(*commitment, *others),
        usd_per_hour=hourly,
        usd_per_run=whole,
        usd_per_month=_sum(line.usd_per_month for line in lines),
        unpriced=tuple(line.name for line in lines if line.usd_per_month is None),
        usd_per_million_tokens=_per_million(workload, hourly, tokens_per_s, whole),
    )


def with_index(cost: Cost, index: IndexPlan) -> Cost:
    """The bill of a served model with that of the vector index beside it."""
    fleet = index.chosen
    line = CostLine(
        name="vector index",
        usd_per_hour=millionths(fleet.usd_per_hour),
        usd_per_run=None,
        usd_per_month=millionths(fleet.usd_per_hour * HOURS_PER_MONTH),
        basis=f"{fleet.nodes} x {fleet.instance_type}, {fleet.purchase}",
        provenance=fleet.provenance,
    )
    hourly, tokens = cost.usd_per_hour + millionths(fleet.usd_per_hour), cost.usd_per_million_tokens
    return replace(
        cost,
        lines=(*cost.lines, line),
        usd_per_hour=hourly,
        # Tokens bear the whole bill.
        usd_per_million_tokens=None if tokens is None else millionths(tokens * hourly / cost.usd_per_hour),
        usd_per_month=cost.usd_per_month + (line.usd_per_month or 0),
    )


def _per_million(
    workload: Workload, usd_per_hour: Decimal, tokens_per_s: float | None, usd_per_run: Decimal | None
) -> Decimal | None:
    """USD of a million tokens, in and out; None where none are served."""
    asked = workload.inference
    if asked is not None and asked.requests and usd_per_run is not None:
        return millionths(usd_per_run / (asked.requests * (asked.input_tokens + asked.output_tokens)) * MEGA)
    if not tokens_per_s:
        return None
    return millionths(usd_per_hour / HOUR_S / Decimal(tokens_per_s) * MEGA)


class Beside(Struct, frozen=True, kw_only=True):
    """What stands beside n nodes, as far as its prices are known: USD an hour, and once for each node."""

    usd_per_hour: float
    usd_per_hour_per_node: float
    usd_once_per_node: float


def beside(workload: Workload, shape: ModelShape, recipe: Recipe, region: str, market: Market) -> Beside:
    """The money of all that a plan uses beside its instances."""
    fixed = per_node = once = 0.0
    for use in uses(workload, shape, recipe):
        price = _unit_price(market, use.component, region)
        if price:
            usd = float(price.price)
            fixed += use.fixed * usd / _hours_bought(use.component)
            per_node += use.per_node * usd / _hours_bought(use.component)
            once += use.once_per_node * usd
    return Beside(usd_per_hour=fixed, usd_per_hour_per_node=per_node, usd_once_per_node=once)


class _Bill(Struct, frozen=True, kw_only=True):
    """What all lines of a bill are multiplied with."""

    nodes: int
    region: str
    run: RunHours | None
    market: Market

    def hourly(
        self,
        name: str,
        usd_per_hour: Decimal,
        basis: str,
        once: Decimal = Decimal(0),
        provenance: Provenance | None = None,
    ) -> CostLine:
        """A line that costs so much an hour, and `once` at the start."""
        run = None if self.run is None else millionths(usd_per_hour * Decimal(self.run.expected) + once)
        return CostLine(
            name=name,
            usd_per_hour=millionths(usd_per_hour),
            usd_per_run=run,
            usd_per_month=millionths(usd_per_hour * HOURS_PER_MONTH + once),
            basis=basis,
            provenance=provenance,
        )

    def line(self, use: Use) -> CostLine:
        """The line of a use, unknown where its component has no price."""
        price = _unit_price(self.market, use.component, self.region)
        if price is None:
            line = _unknown(use.name, f"{use.basis}; no price of {use.component} is known in {self.region}")
            return replace(line, survives=use.survives)
        units = Decimal(use.fixed + use.per_node * self.nodes)
        once = Decimal(use.once_per_node * self.nodes)
        per_hour = units * price.price / _hours_bought(use.component)
        line = self.hourly(use.name, per_hour, use.basis, once * price.price, price.provenance)
        return replace(line, survives=use.survives)


def _unknown(name: str, basis: str) -> CostLine:
    """A line whose amount nobody knows."""
    return CostLine(name=name, usd_per_hour=None, usd_per_run=None, usd_per_month=None, basis=basis)


def _restarts(bill: _Bill, offer: Offer) -> CostLine:
    band = bill.market.interruptions.get((offer.instance_type, offer.region))
    lost = wasted(offer, bill.nodes, bill.run, bill.market)
    says = band.says if band else f"assumed, since no source states it: over {UNSTATED_SHARE:.0%}"
    basis = f"{says} of instances interrupted within a month: {100 * lost:.3g}% of the time lost"
    return bill.hourly("spot restarts", offer.usd_per_hour_per_node * bill.nodes * Decimal(lost), basis)


def _idle(bill: _Bill, offer: Offer) -> CostLine | None:
    """What of a block, commitment or reservation is paid for and not used by the job; None where nothing is."""
    held = bill.market.held_for(offer)
    if held and not held.reservation.is_block:
        return _unused(bill, offer, held.reservation)
    paid = committed_node_hours(offer.purchase, bill.nodes, bill.run, held)
    if paid is None or bill.run is None:
        return None
    used = bill.nodes * bill.run.expected
    usd = millionths(offer.usd_per_hour_per_node * Decimal(max(paid - used, 0.0)))
    return CostLine(
        name=_IDLE,
        usd_per_hour=Decimal(0),
        usd_per_run=usd,
        # Whoever keeps the instances for a month uses them.
        usd_per_month=Decimal(0),
        basis=f"{paid:,.0f} node-hours are paid for, {used:,.1f} used",
        provenance=offer.provenance,
    )


def _unused(bill: _Bill, offer: Offer, held: Reservation) -> CostLine | None:
    """The instances of a reservation beyond the fleet's, which are billed as if they ran."""
    spare = held.count - bill.nodes
    if spare <= 0:
        return None
    basis = f"{spare} of the {held.count} instances of {held.id}, billed whether they run or not"
    return bill.hourly(_IDLE, offer.usd_per_hour_per_node * spare, basis, provenance=offer.provenance)


def _premium(bill: _Bill, offer: Offer) -> CostLine:
    """What SageMaker HyperPod charges for the same instances beyond EC2's on-demand price, and what it saves."""
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
        return _unknown(name, f"no price of {missing} is known in {offer.region}{_saved(bill, offer, None)}")
    most = bill.market.nodes_allowed(managed_type, Purchase.ON_DEMAND, offer.region)
    allowed = "" if most is None else f"; the account's quota allows {most:,} in a cluster"
    premium = (managed - plain) * bill.nodes
    basis = f"{managed_type} beyond {offer.instance_type}, on demand{allowed}{_saved(bill, offer, premium)}"
    return bill.hourly(name, premium, basis)


def _controllers(bill: _Bill) -> CostLine:
    """The nodes of a HyperPod cluster that schedule, and let users in."""
    basis = f"{CONTROL_NODES} x ml.{CONTROLLER_TYPE}, Slurm's controller and a node to log in"
    price = bill.market.sagemaker_price(CONTROLLER_TYPE, bill.region)
    if price is None:
        return _unknown("HyperPod control nodes", f"{basis}; no price is known in {bill.region}")
    return bill.hourly("HyperPod control nodes", price * CONTROL_NODES, basis)


def _saved(bill: _Bill, offer: Offer, premium: Decimal | None) -> str:
    """When a cluster that replaces failed nodes by itself would win; empty for one node, and for a service.

    Elsewhere somebody must replace a failed node, and the fleet is paid for while it waits. How long that takes is the
    user's own affair, so that the break-even is told: the premium over the fleet's price, for each failure.
    """
    machine = bill.market.instance_types.get(offer.instance_type)
    if bill.nodes < 2 or bill.run is None or machine is None:
        return ""
    failures = float(failures_per_s(bill.nodes * machine.accelerators)) * bill.run.expected * HOUR_S
    expected = f"; it replaces failed nodes by itself, and {failures:.2g} failures are expected in the run"
    if premium is None:
        return f"{expected}: whether that saves more than it costs is unknown"
    if premium <= 0:
        return f"{expected}: it costs no more, and wins"
    hours = float(premium / (offer.usd_per_hour_per_node * bill.nodes)) * bill.run.expected / failures
    return f"{expected}: it wins where the fleet would else wait longer than {show_duration(hours * HOUR_S)} for each"


def _unit_price(market: Market, component: Component, region: str) -> ComponentPrice | None:
    """The price of one unit, at the first tier; None where none is known."""
    tiers = market.components.get((component, region))
    return tiers[0] if tiers else None


def _hours_bought(component: Component) -> int:
    """Hours that one price pays for."""
    return HOURS_PER_MONTH if component.endswith(_PER_MONTH) else 1


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((each for each in amounts if each is not None), Decimal(0))
