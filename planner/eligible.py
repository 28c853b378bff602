"""Which instance types may be considered, with which recipes and at which price, and why not the others?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from planner.asked import frameworks_of, permitted
from planner.cost import wasted_share
from planner.framework import Framework, load_frameworks
from planner.hyperpod import hyperpod_types
from planner.image import eks_image, image_parameter, own_image
from planner.plan import Rejection, Target
from planner.recipe import Job
from planner.recipes import Option, allowed_options
from planner.serving_fields import FEATURES
from planner.setting import RATED_AS
from planner.shape import ModelShape
from planner.subnets import ZONES
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.price import Reservation
from pricing.records import replace
from pricing.slices import is_slice
from pricing.units import show_gib, show_usd


class Contender(Struct, frozen=True, kw_only=True):
    """An instance type that may do the job: what it can run, and the offers that may be the best one.

    `offers` are in order of price. More than one is left only where a dearer one has more nodes to sell, is less often
    interrupted, or is paid by the hour and not by the block.
    """

    machine: InstanceType
    options: tuple[Option, ...]
    offers: tuple[Offer, ...]


def contenders(
    workload: Workload, shape: ModelShape, market: Market
) -> tuple[tuple[Contender, ...], tuple[Rejection, ...]]:
    """The contenders in order of name, and why each other instance type is none."""
    frameworks = frameworks_of(workload)
    allowed = {framework.name: allowed_options(workload, framework) for framework in frameworks}
    found: list[Contender] = []
    rejected: list[Rejection] = []
    for machine in sorted(market.instance_types.values(), key=lambda item: item.name):
        running = [item for item in frameworks if item.runs_on(machine.accelerator) and not item.lacks(shape)]
        options = tuple(option for item in running for option in _runnable(allowed[item.name], machine))
        offers = best_offers(workload, market, machine)
        refusal = _refusal(workload, shape, market, machine, frameworks, allowed, options, offers)
        if refusal:
            rejected.append(refusal)
        else:
            found.append(Contender(machine=machine, options=options, offers=offers))
    return tuple(found), tuple(rejected)


def best_offers(workload: Workload, market: Market, machine: InstanceType) -> tuple[Offer, ...]:
    """The acceptable offers of a type that no other beats, cheapest first; ties go to the region, then the purchase
    named first.

    Where the workload names a zone, the offers are of that zone alone.
    """
    limits, zone = workload.limits, workload.provision.zone
    fitting = [
        replace(offer, zone_ids=(zone,)) if zone else offer
        for offer in market.offers
        if offer.instance_type == machine.name
        and _reaches(offer, zone, market)
        and len(offer.zone_ids) >= zones_wanted(workload)
    ]
    fitting.sort(
        key=lambda offer: (
            # The price list differs between regions by rounding: p4d is 21.957642 in one, 21.95764 in another.
            round(offer.usd_per_hour_per_node, 4),
            limits.regions.index(offer.region),
            limits.purchase.index(offer.purchase),
            offer.zone_ids,
        )
    )
    best: list[Offer] = []
    # Who names a reservation wants no other instances.
    for offer in (each for each in fitting if market.held is None or market.held_for(each)):
        if not any(_beats(cheaper, offer, market) for cheaper in best):
            best.append(offer)
    return tuple(best)


def zones_wanted(workload: Workload) -> int:
    """Zones that an offer must have: two for a fleet that is to survive the loss of one."""
    spare_zone = workload.inference is not None and workload.inference.fleet.spare == "zone"
    return ZONES if spare_zone and workload.provision.zone is None else 0


def _beats(cheaper: Offer, offer: Offer, market: Market) -> bool:
    """Whether nothing speaks for the dearer of two offers: no more nodes, fewer interruptions or shorter use."""
    risks = [wasted_share(each, market) for each in (cheaper, offer)]
    blocks = [each.purchase is Purchase.CAPACITY_BLOCK for each in (cheaper, offer)]
    worse = risks[0] > risks[1] or blocks[0] > blocks[1]
    return not worse and most_nodes(cheaper, market) >= most_nodes(offer, market)


def most_nodes(offer: Offer, market: Market) -> float:
    """Nodes that the account may run of an offer, in its reservation; infinity where neither bound is known."""
    allowed = market.nodes_allowed(offer.instance_type, offer.purchase, offer.region)
    held = market.held_for(offer)
    return min(math.inf if allowed is None else allowed, held.reservation.count if held else math.inf)


def _reaches(offer: Offer, zone: str | None, market: Market) -> bool:
    """Whether the offer has a zone to launch in: the one asked for, where any are known."""
    if zone is None:
        return bool(offer.zone_ids)
    return zone in offer.zone_ids if offer.zone_ids else market.region_of(zone) == offer.region


def _runnable(options: tuple[Option, ...], machine: InstanceType) -> Iterable[Option]:
    """The options that the type's accelerator has a rate for; fp16 only where it has no bf16."""
    rates = machine.accelerator.flop_per_s
    named_bf16 = any("bf16" in option.recipe.techniques for option in options)
    for option in options:
        techniques = option.recipe.techniques
        if option.framework.streaming and not option.recipe.streams:
            continue
        spare = "fp16" in techniques and named_bf16 and "bf16" in rates
        computed = option.recipe.compute_dtype
        lacking = any(name in techniques and rate not in rates for name, rate in option.framework.needs_rate.items())
        if not lacking and RATED_AS.get(computed, computed) in rates and not spare:
            yield option


def _refusal(
    workload: Workload,
    shape: ModelShape,
    market: Market,
    machine: InstanceType,
    frameworks: tuple[Framework, ...],
    allowed: Mapping[str, tuple[Option, ...]],
    options: tuple[Option, ...],
    offers: tuple[Offer, ...],
) -> Rejection | None:
    """The first reason against a type, in the order in which a user would want to hear it."""
    reason, change = (
        _left_out(workload, machine)
        or _feature_gap(workload, machine)
        or _software_gap(machine, shape, frameworks, allowed, options, offers)
        or _market_gap(workload, market, machine, offers)
        or ("", "")
    )
    return Rejection(subject=machine.name, reason=reason, change=change) if reason else None


def _left_out(workload: Workload, machine: InstanceType) -> tuple[str, str] | None:
    """Why the user's own pin and limits leave a type out, and what to change."""
    pin = workload.pin.instance_type
    if pin and machine.name != pin:
        return f"the workload pins {pin}", "remove pin.instance_type"
    if not permitted(machine.name, workload.limits.instance_types):
        return "the workload's limits leave it out", "widen limits.instance_types"
    mig = workload.provision.mig
    if mig and workload.inference and not is_slice(machine.accelerator.name):
        return f"{machine.accelerator.name} has no MIG profile {mig}", "leave provision.mig out"
    return None


def _feature_gap(workload: Workload, machine: InstanceType) -> tuple[str, str] | None:
    """What the workload asks of its engine that none on a type's accelerator is known to offer."""
    if workload.inference is None:
        return None
    engines = [
        item for item in load_frameworks().values() if item.job is Job.INFERENCE and item.runs_on(machine.accelerator)
    ]
    lacking = [
        says
        for name, says in FEATURES.items()
        if name in workload.inference.features and not any(name in item.features for item in engines)
    ]
    if not engines or not lacking:
        return None
    return f"no engine known here offers {' and '.join(lacking)} on {machine.accelerator.name}", ""


def _software_gap(
    machine: InstanceType,
    shape: ModelShape,
    frameworks: tuple[Framework, ...],
    allowed: Mapping[str, tuple[Option, ...]],
    options: tuple[Option, ...],
    offers: tuple[Offer, ...],
) -> tuple[str, str] | None:
    """Why no software can be planned on a type, and what to change."""
    chip = machine.accelerator
    running = [item for item in frameworks if item.runs_on(chip)]
    names = " or ".join(item.title for item in running or frameworks)
    if not running:
        able = [
            item.name for item in load_frameworks().values() if item.job is frameworks[0].job and item.runs_on(chip)
        ]
        if not able:
            return f"no framework known here does {frameworks[0].job} on {chip.name}", ""
        return f"{names} does not run on {chip.name}", f"name another framework ({', '.join(able)})"
    if all(item.lacks(shape) for item in running):
        return f"{names} {running[0].lacks(shape)}", "name another framework"
    if not any(allowed[item.name] for item in running):
        return f"{names} has no recipe with the precision and techniques asked for", "loosen techniques or pins"
    if not options:
        return f"no source states {chip.name}'s rate at the precision asked for{_still_known(machine, offers)}", (
            "ask for another precision"
        )
    if chip.memory_bytes_per_s is None:
        return f"no source states {chip.name}'s memory bandwidth{_still_known(machine, offers)}", ""
    return None


def _still_known(machine: InstanceType, offers: tuple[Offer, ...]) -> str:
    """Memory and price of a type whose speed is unknown."""
    size = f"{machine.devices} x {show_gib(machine.device_memory_bytes)}"
    return f"; its {size} cost {show_usd(offers[0].usd_per_hour_per_node)} an hour" if offers else ""


def _market_gap(
    workload: Workload, market: Market, machine: InstanceType, offers: tuple[Offer, ...]
) -> tuple[str, str] | None:
    """Why a type cannot be bought, placed or booted, and what to change."""
    zone = workload.provision.zone
    if machine.retired and not workload.pin.instance_type:
        return "EC2 has retired it", "to plan it all the same, pin it, and name provision.zone and provision.image"
    if gap := market.gap(machine.name, workload.limits.purchase):
        return gap.rstrip("."), "add regions or purchase options to limits"
    hosted = workload.provision.target is Target.HYPERPOD_SLURM
    if hosted and machine.name not in hyperpod_types():
        return "SageMaker HyperPod does not have it", "leave provision.target out"
    if market.held and not offers:
        return _other_reservation(market.held.reservation)
    if not offers and zones_wanted(workload):
        return "no region offers it in two zones, of which one could be spared", "ask for a spare node only"
    if not offers and zone:
        return f"{zone} does not offer it", "change provision.zone"
    if not offers:
        return "no source lists a zone that offers it", "name one in provision.zone"
    if workload.provision.target is Target.EKS_NODES:
        return None if eks_image(machine.name) else ("EKS has no image with its driver", "choose another target")
    if not hosted and not (workload.provision.image or image_parameter(machine) or own_image(machine.name)):
        return "no public machine image has the driver that it needs", "name one in provision.image"
    return None


def _other_reservation(held: Reservation) -> tuple[str, str]:
    """What the reservation holds, where that is not what the workload asks for."""
    kind = Purchase.CAPACITY_BLOCK if held.is_block else Purchase.ON_DEMAND
    return (
        f"{held.id} holds {held.instance_type} in {held.zone_id}, as {kind}",
        "make pin.instance_type, provision.zone and limits.purchase agree with it",
    )
