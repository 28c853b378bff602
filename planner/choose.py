"""Which machine, how many, and how laid out: the whole decision, in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from planner.accounts import key_warnings
from planner.addresses import interface_warnings, network_sentence
from planner.build import build_of, end_warnings, image_warnings
from planner.calibration import Calibration
from planner.candidate import AnyJob, candidate
from planner.cost import cost_of, with_index
from planner.deals import deals_of
from planner.eligible import Contender, contenders, most_nodes
from planner.energy import energy_of
from planner.engine_words import start_sentence
from planner.errors import NoFeasiblePlan
from planner.explain import Found, best_of_each, broken_pins, grouped, ladder, rung_miss, searched_rejections
from planner.fleet_record import FleetPlan
from planner.front import evenly_apart, pareto_front
from planner.index_record import IndexPlan
from planner.job_words import job_sentence
from planner.plan import Candidate, Cost, Decision, Plan, Rejection, Target
from planner.rank import join_offers, rank
from planner.recipe import Accuracy, Recipe
from planner.recipes import named_techniques
from planner.requirement import requirement
from planner.search import RUNGS, Part, Scope
from planner.search_training import TrainingJob, search_training
from planner.serving_notes import serving_notes
from planner.shape import ModelShape
from planner.sliced import as_cut
from planner.surroundings import is_fleet
from planner.techniques import load_techniques
from planner.usage import weights_bytes
from planner.warnings import warnings_of
from planner.workload import Pin, Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Offer
from pricing.quota import interfaces_allowed
from pricing.records import replace
from pricing.units import HOURS_PER_MONTH, show_usd

if TYPE_CHECKING:
    from planner.co_served import Other

# Beside the ladder, a reader wants the next few machines, not the next few layouts of the same one.
RUNNERS_UP = 5


def make_plan(
    workload: Workload, shape: ModelShape, market: Market, calibration: Calibration, now: datetime
) -> Decision:
    """The plan of least cost or time within the limits. `now` (UTC) is when it counts from.

    Raises NoFeasiblePlan with the nearest miss of every rung where nothing does the job.
    """
    job, wholes = job_of(workload, shape), market.instance_types
    market = replace(market, instance_types=as_cut(workload, wholes))
    able, refused = contenders(workload, shape, market)
    others: tuple[Other, ...] = ()
    if not isinstance(job, TrainingJob):
        # Here and below: a training plan does not load what answers requests, a twentieth of its time.
        from planner.choose_answers import beside_others

        job, able, crowded, others = beside_others(workload, job, able, market, calibration)
        refused = (*refused, *crowded)
    if not able:
        raise NoFeasiblePlan(_nothing_able(workload, refused))
    found, parts = _search(workload, shape, able, job, market, calibration)
    if not len(found.ranking.order):
        raise NoFeasiblePlan(_nothing_fits(found))
    return _decision(found, parts, job, others, refused, market, wholes, now)


def _decision(
    found: Found,
    parts: Sequence[Part],
    job: AnyJob,
    others: Sequence[Other],
    refused: Sequence[Rejection],
    market: Market,
    wholes: Mapping[str, InstanceType],
    now: datetime,
) -> Decision:
    """The best row of a search with all that is said of it and built for it; `wholes` are the instance types uncut."""
    workload, shape, calibration = found.workload, found.scope.shape, found.scope.calibration
    chosen = found.describe(found.pool, found.chosen)
    winner, whole = found.contenders[int(found.pool.machine[found.chosen])], wholes[chosen.instance_type]
    recipe = winner.options[int(found.pool.option[found.chosen])].recipe
    offer = winner.offers[int(found.pool.offer[found.chosen])]
    deals = deals_of(chosen, offer, market)
    run = chosen.run.hours if chosen.run else None
    service = index = None
    if not isinstance(job, TrainingJob):
        from planner.choose_answers import service_of

        service = service_of(found, job, chosen, recipe, deals, others, parts, market)
    fleet = service.fleet if service else None
    if workload.index:
        from planner.choose_index import plan_index

        index = plan_index(workload, market)
    cost = _cost(workload, shape, recipe, offer, chosen, index, fleet, market)
    size = int(weights_bytes(shape, recipe))
    build = build_of(workload, chosen, whole, now, weights_bytes=size, planned=fleet, held=market.held)
    allowed = interfaces_allowed(market.quotas, chosen.region)
    runners_up = _runners_up(found)
    plan = Plan(
        workload=workload.name,
        model=shape.name,
        job=job_sentence(workload, shape),
        parameters=shape.parameters,
        active_parameters=shape.active_parameters,
        requirement=requirement(shape, job, found.contenders, calibration),
        chosen=chosen,
        cost=cost,
        energy=energy_of(whole, chosen.nodes, chosen.region, run.expected if run else HOURS_PER_MONTH),
        deals=deals,
        ladder=ladder(found),
        runners_up=runners_up,
        front=_front(found),
        rejections=(*searched_rejections(found), *refused),
        covered=found.pool.covered,
        timed=found.pool.timed,
        warnings=(
            *shape.notes,
            *warnings_of(workload, chosen, runners_up, cost, deals, winner.machine, market, now),
            *serving_notes(workload, shape, chosen, winner.machine),
            *end_warnings(workload.provision, chosen, market.held, now),
            *interface_warnings(build, allowed),
            *key_warnings(build),
            *image_warnings(build),
            *start_sentence(workload, chosen),
            *(service.notes if service else ()),
        ),
        index=index,
        network=network_sentence(build, allowed),
        fleet=service.as_built(build) if service else None,
        beside=service.beside if service else (),
        apart=service.apart if service else None,
    )
    return Decision(plan=plan, build=build, recipe=recipe)


def _cost(
    workload: Workload,
    shape: ModelShape,
    recipe: Recipe,
    offer: Offer,
    chosen: Candidate,
    index: IndexPlan | None,
    fleet: FleetPlan | None,
    market: Market,
) -> Cost:
    """The bill of the chosen candidate, with the index beside it and what the hours of a fleet save.

    Raises NoFeasiblePlan where model and index together are beyond the budget.
    """
    run = chosen.run.hours if chosen.run else None
    served = chosen.service.tokens_per_s if chosen.service else None
    cost = cost_of(workload, shape, recipe, offer, chosen.nodes, run, market, served)
    if index:
        cost = with_index(cost, index)
        _together_within(workload, cost)
    if workload.inference is None:
        return cost
    from planner.fleet_cost import at_load, with_fleet

    cost = at_load(cost, workload.inference.fleet.profile)
    return with_fleet(cost, fleet, chosen) if fleet and is_fleet(workload) else cost


def _together_within(workload: Workload, cost: Cost) -> None:
    """Raises NoFeasiblePlan where model and index, each within the budget, are not so together."""
    budget, month = workload.limits.budget, cost.usd_per_month
    if budget is not None and month > budget:
        raise NoFeasiblePlan(
            f"Model and index cost {show_usd(month)} a month together, and limits.budget is {show_usd(budget)}. Raise "
            "it."
        )


def job_of(workload: Workload, shape: ModelShape) -> AnyJob:
    """The workload as the search needs it."""
    if workload.training:
        training = workload.training
        return TrainingJob(
            sequence_tokens=training.sequence_length,
            global_batch=training.global_batch,
            tokens=training.total_tokens(shape.active_parameters),
        )
    from planner.choose_answers import answering_job

    return answering_job(workload, shape)


def _search(
    workload: Workload,
    shape: ModelShape,
    able: tuple[Contender, ...],
    job: AnyJob,
    market: Market,
    calibration: Calibration,
) -> tuple[Found, tuple[Part, ...]]:
    """What the search came to, and the fleets whose prompts have replicas of their own."""
    single = workload.provision.target is Target.SINGLE_INSTANCE
    scope = Scope(
        shape=shape,
        machines=tuple(item.machine for item in able),
        options=tuple(item.options for item in able),
        calibration=calibration,
        max_nodes=1 if single else workload.limits.max_nodes,
        pins=pins_of(workload),
    )
    parts: tuple[Part, ...] = ()
    if isinstance(job, TrainingJob):
        fitting = loose = search_training(scope, job)
    else:
        from planner.choose_answers import search_answers

        fitting, loose, parts = search_answers(scope, job, workload)
    pool = join_offers(able, fitting, market)
    found = Found(
        workload=workload,
        scope=scope,
        contenders=able,
        pool=pool,
        fitting=fitting,
        loose=loose,
        ranking=rank(workload, shape, able, pool, market, calibration),
        describe=lambda rows, row: candidate(shape, job, able[int(rows.machine[row])], rows, row, market, calibration),
        nodes_allowed=lambda offer: most_nodes(offer, market),
        held=market.held,
    )
    return found, parts


def pins_of(workload: Workload) -> dict[str, int]:
    """The numbers that the user has decided, by degree."""
    pin = workload.pin
    # Parts of an accelerator have no way to each other.
    alone = {"tensor": 1, "pipeline": 1} if workload.provision.mig and workload.inference else {}
    named = {**dict(pin.layout), **alone, "micro_batch": pin.micro_batch, "nodes": pin.nodes}
    return {name: value for name, value in named.items() if value is not None}


def _runners_up(found: Found) -> tuple[Candidate, ...]:
    """The best row of each further instance type, best first."""
    others = list(best_of_each(found).values())[1 : RUNNERS_UP + 1]
    return tuple(found.describe(found.pool, row) for row in others)


def _front(found: Found) -> tuple[Candidate, ...]:
    """The fleets within the limits that trade money for time, cheapest first."""
    order, usd = found.ranking.order, found.ranking.usd
    rows = order[pareto_front(usd[order], found.pool.job_s[order])]
    return tuple(found.describe(found.pool, int(row)) for row in evenly_apart(rows, usd))


def _nothing_able(workload: Workload, refused: Sequence[Rejection]) -> list[str]:
    pin = workload.pin.instance_type
    # Where a type is pinned, its own reason is all that matters.
    told = [item for item in refused if pin is None or item.subject == pin]
    findings = ["No instance type may be considered:"]
    for says, names in grouped(told):
        findings.append(f"  {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {says}")
    return findings


def _nothing_fits(found: Found) -> list[str]:
    if broken := broken_pins(found):
        where = f"on {found.workload.pin.instance_type}" if found.workload.pin.instance_type else "on any instance type"
        return [f"The pinned layout is not legal {where}:", *(f"  {rule}" for rule in broken), "To change: pin."]
    findings = [f"Nothing on the market does {found.workload.name} within its limits. Nearest, rung by rung:"]
    findings += [f"  {rung}: {rung_miss(found, rung)}" for rung in RUNGS]
    names = [found.contenders[index].machine.name for index in sorted(found.pool.untimed)]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        findings.append(
            f"It fits on {', '.join(names[:3])}{more}, but no source states all rates that time depends on."
        )
    findings.append(f"To change: {', '.join(_levers(found.workload))}.")
    return findings


def _levers(workload: Workload) -> list[str]:
    """What the user could loosen, in the order of least regret."""
    levers = ["loosen pin"] if workload.pin != Pin() else []
    levers.append("add regions or purchase options (limits.regions, limits.purchase)")
    if workload.ends:
        levers.append("allow a later deadline or more nodes (limits.deadline, limits.max_nodes)")
    else:
        levers.append("loosen inference.ttft or inference.tpot, or allow more nodes (limits.max_nodes)")
    if workload.limits.budget:
        levers.append("raise limits.budget")
    if workload.limits.instance_types.allow or workload.limits.instance_types.deny:
        levers.append("widen limits.instance_types")
    known, named = load_techniques(), filter(None, named_techniques(workload).values())
    losses = [workload.techniques.accept, *(known[name].accuracy for name in named if name in known)]
    if max(loss.rank for loss in losses) < Accuracy.QUANTIZED.rank:
        levers.append(f"accept a loss of accuracy (techniques.accept: {Accuracy.QUANTIZED})")
    return levers
