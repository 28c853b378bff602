"""What do a fleet's hours and its share of spot nodes make of its bill?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from statistics import mean

from msgspec import Struct

from planner.cost import cents, millionths
from planner.fleet_fields import Fleet
from planner.fleet_record import FleetPlan
from planner.plan import Candidate, Cost, CostLine
from pricing.offer import Purchase
from pricing.records import replace
from pricing.units import HOUR_S, HOURS_PER_MONTH

# What is paid by the hour only follows the load; a commitment is paid whether nodes run or not.
BY_THE_HOUR = (Purchase.ON_DEMAND, Purchase.SPOT)


class Rates(Struct, frozen=True, kw_only=True):
    """What a fleet's nodes are paid at. USD an hour and node; seconds.

    The first `own_nodes` are bought as the plan says at `own_usd`, all further ones on spot at `spot_usd`, None where
    no price is known. EC2 takes a spot node back so many times an hour (`losses_per_hour`), and the next one is paid
    for `ready_s` until it answers; None where nobody knows how long that is.
    """

    own_nodes: int
    own_usd: Decimal
    spot_usd: Decimal | None
    losses_per_hour: float
    ready_s: float | None

    def hourly(self, nodes: int) -> Decimal | None:
        """USD an hour of so many nodes, with the starts that lost ones take; None where a price is not known."""
        spot = max(nodes - self.own_nodes, 0)
        own = self.own_usd * (nodes - spot)
        if not spot:
            return own
        if self.spot_usd is None:
            return None
        starting = self.losses_per_hour * (self.ready_s or 0.0) / HOUR_S
        return own + self.spot_usd * spot * Decimal(1 + starting)


def spot_nodes(asked: Fleet, chosen: Candidate) -> int:
    """Nodes of the planned ones that are bought on spot beside the others; none where all are already."""
    return 0 if chosen.purchase is Purchase.SPOT else int(asked.spot_share * chosen.nodes)


def all_day(rates: Rates, nodes: int) -> Decimal | None:
    """USD of a month with all nodes; None where a price is not known."""
    hourly = rates.hourly(nodes)
    return None if hourly is None else cents(hourly * HOURS_PER_MONTH)


def by_hours(rates: Rates, purchase: Purchase, nodes_by_hour: Sequence[int]) -> Decimal | None:
    """USD of a month of such days: every hour's nodes, and those that start for the next hour from their order on.

    None where nodes are paid whether they run or not, and where a price or the time of a start is not known.
    """
    hours = [rates.hourly(nodes) for nodes in nodes_by_hour]
    known = [each for each in hours if each is not None]
    if purchase not in BY_THE_HOUR or rates.ready_s is None or not known or len(known) < len(hours):
        return None
    started = sum((max(after - before, Decimal(0)) for before, after in pairwise((*known, known[0]))), Decimal(0))
    usd_a_day = sum(known, Decimal(0)) + started * Decimal(rates.ready_s / HOUR_S)
    return cents(usd_a_day / len(known) * HOURS_PER_MONTH)


def at_load(cost: Cost, profile: Sequence[float] | None) -> Cost:
    """The bill with its tokens' price at the load that the hours of a day have on average: fewer tokens bear it."""
    share, tokens = mean(profile or (1.0,)), cost.usd_per_million_tokens
    if tokens is None or not 0 < share < 1:
        return cost
    return replace(cost, load_share=share, usd_per_million_tokens=millionths(tokens / Decimal(share)))


def with_fleet(cost: Cost, fleet: FleetPlan, chosen: Candidate) -> Cost:
    """The bill of a service with what its spot nodes and its hours save, each as a line of its own.

    What is saved is saved on all tokens of the month.
    """
    lines = [*_lines(fleet, chosen)]
    if not lines:
        return cost
    hourly = cost.usd_per_hour + sum((each.usd_per_hour or Decimal(0) for each in lines), Decimal(0))
    tokens = cost.usd_per_million_tokens
    first, *others = cost.lines
    return replace(
        cost,
        lines=(first, *lines, *others),
        usd_per_hour=hourly,
        usd_per_million_tokens=None if tokens is None else millionths(tokens * hourly / cost.usd_per_hour),
        usd_per_month=cost.usd_per_month + sum((each.usd_per_month or Decimal(0) for each in lines), Decimal(0)),
    )


_SPOT = "saved on spot"


def _lines(fleet: FleetPlan, chosen: Candidate) -> Iterator[CostLine]:
    """What is less than all nodes on the plan's terms, all day."""
    full = cents(chosen.usd_per_hour * HOURS_PER_MONTH)
    if fleet.mixed_usd_per_month is not None:
        basis = f"{fleet.spot_nodes} of {chosen.nodes} nodes, with the starts after interruptions"
        yield _line(_SPOT, fleet.mixed_usd_per_month - full, basis)
        full = fleet.mixed_usd_per_month
    if fleet.scaled_usd_per_month is not None:
        yield _line("saved by hours", fleet.scaled_usd_per_month - full, "the nodes of each hour of inference.fleet")


def _line(name: str, usd_per_month: Decimal, basis: str) -> CostLine:
    return CostLine(
        name=name,
        usd_per_hour=millionths(usd_per_month / HOURS_PER_MONTH),
        usd_per_run=None,
        usd_per_month=usd_per_month,
        basis=basis,
    )
