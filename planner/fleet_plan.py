"""How is the fleet of a served model made up, what does each token cost, and when would another fleet be cheaper?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from planner.cost import cents, millionths
from planner.eligible import Contender
from planner.fleet_cost import Rates, all_day, by_hours, spot_nodes
from planner.fleet_fields import Fleet as Asked
from planner.fleet_record import FleetPlan, Loading, LoadRange, chosen_ready_s
from planner.fleet_size import Reserve, Unit, Units, cheapest_by_load, spare_nodes
from planner.plan import Candidate, Deal
from planner.readiness import ready_s, weight_sources
from planner.search import Pool
from planner.search_serving import ServingJob
from planner.subnets import ZONES
from pricing.instance_type import InstanceType
from pricing.offer import Purchase
from pricing.records import replace
from pricing.units import HOUR_S, HOURS_PER_MONTH, MEGA


class Choice(Struct, frozen=True, kw_only=True):
    """What a fleet is planned of: the chosen candidate, all units that keep the limits, the machines by name, the
    terms known.

    `weights_bytes` are one copy's, `file_system` the GiB and MB/s per TiB of the stack's; `prompt_share` is the part of
    a replica's time that prompts take. `least_nodes` is what the user lets the fleet fall to, `max_nodes` what any may
    have, and EC2 takes a spot node back `losses_per_hour` times an hour.
    """

    chosen: Candidate
    units: Units
    machines: Mapping[str, InstanceType]
    deals: Sequence[Deal]
    weights_bytes: float
    file_system: tuple[int, int] | None
    prompt_share: float
    least_nodes: int
    losses_per_hour: float
    max_nodes: int
    device_share: float = 1.0


def fleet_plan(asked: Asked, job: ServingJob, choice: Choice) -> FleetPlan:
    """The fleet of a choice, as the workload asks for it."""
    chosen = choice.chosen
    service = chosen.service
    assert service is not None
    load = _load(job) * (1 + job.headroom)
    unit = _unit(chosen, choice.machines, in_flight=job.requests_per_s is None)
    # Nodes that several models or both roles of replicas share are counted as they were chosen.
    carrying = _shared_nodes(chosen, unit, job) if job.beside or chosen.split else unit.nodes(load)
    if chosen.split:
        # A fleet whose prompts have replicas of their own follows its load as a whole.
        unit = replace(unit, requests_per_s=load, replicas_per_node=1, nodes_per_replica=carrying)
    by_hour = tuple(
        max(_hour_nodes(unit, load * share, job.spare), choice.least_nodes) for share in asked.profile or ()
    )
    loading = _loading(asked, choice)
    spot = spot_nodes(asked, chosen)
    rates = _rates(chosen, spot, choice, loading)
    rate, load_each = service.requests_per_s, job.load
    return FleetPlan(
        replicas=service.replicas,
        requests_per_s_per_replica=None if job.requests_per_s is None else service.requests_per_s_per_replica,
        headroom=job.headroom,
        spare=job.spare,
        load_nodes=min(carrying, chosen.nodes),
        spare_nodes=max(chosen.nodes - carrying, 0),
        least_nodes=min(by_hour, default=chosen.nodes),
        most_nodes=max((chosen.nodes, *by_hour)),
        nodes_by_hour=by_hour,
        scaled_usd_per_month=by_hours(rates, chosen.purchase, by_hour) if by_hour else None,
        spot_nodes=spot,
        mixed_usd_per_month=all_day(rates, chosen.nodes) if spot else None,
        usd_per_million_input=_per_million(
            chosen, choice.device_share * choice.prompt_share, rate * load_each.input_tokens
        ),
        usd_per_million_output=None
        if load_each.pools
        else _per_million(chosen, choice.device_share * (1 - choice.prompt_share), rate * load_each.output_tokens),
        prompt_share=choice.prompt_share,
        loading=loading,
        cheapest=_cheapest(job, choice),
        losses_per_month=spot * choice.losses_per_hour * HOURS_PER_MONTH,
    )


def _load(job: ServingJob) -> float:
    """The load in the unit of `_unit`: requests/s, or requests in flight."""
    return float(job.concurrency or 0) if job.requests_per_s is None else job.requests_per_s


def _unit(candidate: Candidate, machines: Mapping[str, InstanceType], *, in_flight: bool = False) -> Unit:
    """What one more replica of a candidate carries, of requests/s or of requests in flight, and takes."""
    machine, service, devices = machines[candidate.instance_type], candidate.service, candidate.layout.devices
    if candidate.split:
        devices = max(devices, candidate.split.layout.devices)
    assert service is not None
    rated = service.concurrency if in_flight else service.requests_per_s_per_replica
    return Unit(
        name=f"{candidate.instance_type}, {candidate.purchase} in {candidate.region}",
        requests_per_s=rated,
        replicas_per_node=max(machine.devices // devices, 1),
        nodes_per_replica=max(devices // machine.devices, 1),
        usd_per_hour_per_node=float(candidate.usd_per_hour) / candidate.nodes,
    )


def _shared_nodes(chosen: Candidate, unit: Unit, job: ServingJob) -> int:
    """Nodes that carry the loads of all models, or of both roles."""
    spare = {"none": 0, "node": unit.nodes_per_replica, "zone": chosen.nodes // ZONES}[job.spare]
    return chosen.nodes - spare


def _hour_nodes(unit: Unit, load: float, spare: str) -> int:
    nodes = unit.nodes(load)
    return int(nodes + spare_nodes(nodes, unit.nodes_per_replica, spare))


def _rates(chosen: Candidate, spot: int, choice: Choice, loading: Sequence[Loading]) -> Rates:
    """What nodes cost: the first ones on the plan's terms, the others at the lowest spot price of the region."""
    prices = [
        each.usd_per_hour_per_node
        for each in choice.deals
        if (each.instance_type, each.region, each.purchase) == (chosen.instance_type, chosen.region, Purchase.SPOT)
    ]
    return Rates(
        own_nodes=chosen.nodes - spot,
        own_usd=chosen.usd_per_hour / chosen.nodes,
        spot_usd=min(prices, default=None),
        losses_per_hour=choice.losses_per_hour,
        ready_s=chosen_ready_s(loading),
    )


def _per_million(chosen: Candidate, share: float, tokens_per_s: float) -> Decimal:
    """USD per million tokens of a kind that takes a share of the fleet's time."""
    hourly = chosen.usd_per_hour * Decimal(share)
    return millionths(hourly / Decimal(tokens_per_s * HOUR_S) * MEGA)


def _loading(asked: Asked, choice: Choice) -> tuple[Loading, ...]:
    machine = choice.machines[choice.chosen.instance_type]
    per_node = choice.weights_bytes * min(machine.devices / choice.chosen.layout.devices, 1.0)
    return tuple(
        Loading(
            source=each.name,
            bytes_per_s=each.bytes_per_s,
            ready_s=ready_s(each, per_node),
            basis=each.basis,
            chosen=each.name == asked.weights_from,
        )
        for each in weight_sources(machine, choice.file_system)
    )


def _cheapest(job: ServingJob, choice: Choice) -> tuple[LoadRange, ...]:
    """At which load each of the fleets is the cheapest; nothing for one that is no rate, or one of several models'."""
    if job.requests_per_s is None or job.beside:
        return ()
    reserve = Reserve(headroom=job.headroom, spare=job.spare, max_nodes=choice.max_nodes)
    return tuple(
        LoadRange(
            fleet=span.name,
            from_requests_per_s=span.from_requests_per_s,
            to_requests_per_s=span.to_requests_per_s,
            usd_per_month=_month(span.usd_per_hour),
            to_usd_per_month=_month(span.to_usd_per_hour),
            planned_usd_per_month=None if span.planned_usd_per_hour is None else _month(span.planned_usd_per_hour),
        )
        for span in cheapest_by_load(choice.units, job.requests_per_s, reserve)
    )


def _month(usd_per_hour: float) -> Decimal:
    return cents(Decimal(usd_per_hour * HOURS_PER_MONTH))


def units_of(pool: Pool, contenders: Sequence[Contender]) -> Units:
    """Every replica of a pool that does both prompts and answers, on every terms, as a unit of a fleet."""
    if pool.partner is not None:
        both = np.flatnonzero(pool.partner < 0)
        pool = pool.take(both, pool.offer[both])
    sold = [(item, offer) for item in contenders for offer in item.offers]
    first = np.cumsum([0, *(len(item.offers) for item in contenders)])
    devices = np.array([item.machine.devices for item in contenders])[pool.machine]
    kind = first[pool.machine] + pool.offer
    return Units(
        names=tuple(f"{offer.instance_type}, {offer.purchase} in {offer.region}" for _, offer in sold),
        kind=kind,
        requests_per_s=pool.rate,
        replicas_per_node=np.maximum(devices // pool.layout.devices, 1),
        nodes_per_replica=np.maximum(pool.layout.devices // devices, 1),
        usd_per_hour_per_node=np.array([float(offer.usd_per_hour_per_node) for _, offer in sold])[kind],
    )
