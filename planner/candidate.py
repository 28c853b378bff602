"""What does one row of the search say in full: itemised memory, time and cost?"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec.structs import asdict

from planner.calibration import Calibration
from planner.cost import cents, usd_of_hours
from planner.eligible import Contender
from planner.layout import Layout
from planner.memory import training_memory, worst_stage
from planner.other_software import other_software
from planner.plan import Candidate, MemoryTable, Run, Term
from planner.recipes import Option
from planner.run_band import run_band
from planner.search import RUNGS, Pool
from planner.search_training import TrainingJob
from planner.setting import RATED_AS
from planner.shape import ModelShape
from planner.terms import paid_node_hours
from planner.training_time import START_UP_S, step_time
from planner.wall_clock import wall_clock
from planner.work import model_flop
from pricing.market import Market
from pricing.offer import Offer
from pricing.records import replace

if TYPE_CHECKING:
    from planner.batch_setting import BatchJob
    from planner.search_serving import ServingJob

AnyJob: TypeAlias = "TrainingJob | ServingJob | BatchJob"


def candidate(
    shape: ModelShape, job: AnyJob, contender: Contender, pool: Pool, row: int, market: Market, calibration: Calibration
) -> Candidate:
    """The candidate that a row of the pool stands for."""
    option = contender.options[int(pool.option[row])]
    layout = pool.layout.row(row)
    offer = contender.offers[int(pool.offer[row])]
    nodes = int(pool.nodes[row])
    usd_per_hour = offer.usd_per_hour_per_node * nodes
    run: Run | None
    batch = service = split = None
    if isinstance(job, TrainingJob):
        memory = _training_table(shape, job, contender, option, layout, calibration)
        run = _paid(_run(shape, job, contender, option, layout, calibration), offer, nodes, market)
    else:
        # A training plan does not load what answers requests: a twentieth of its time.
        from planner.answering import answering

        pay = partial(_paid, offer=offer, nodes=nodes, market=market)
        memory, run, batch, service, split = answering(shape, job, contender, pool, row, usd_per_hour, calibration, pay)
    return Candidate(
        rung=RUNGS[int(pool.rung[row])],
        instance_type=contender.machine.name,
        accelerator=contender.machine.accelerator.name,
        accelerators_per_node=contender.machine.accelerators,
        nodes=nodes,
        region=offer.region,
        zone_ids=offer.zone_ids,
        purchase=offer.purchase,
        usd_per_hour=usd_per_hour,
        provenance=offer.provenance,
        framework=option.framework.name,
        techniques=option.recipe.techniques,
        accuracy=option.recipe.accuracy,
        layout=layout,
        memory=memory,
        run=run,
        service=service,
        split=split,
        batch=batch,
    )


def _paid(run: Run, offer: Offer, nodes: int, market: Market) -> Run:
    """The run with what its instances cost."""
    paid = paid_node_hours(offer.purchase, nodes, run.hours, market.held_for(offer))
    return replace(run, usd=cents(usd_of_hours(offer, nodes, paid, market, run.hours)))


def _training_table(
    shape: ModelShape,
    job: TrainingJob,
    contender: Contender,
    option: Option,
    layout: Layout,
    calibration: Calibration,
) -> MemoryTable:
    """The memory of the worst device, term by term."""
    vendor, software = contender.machine.accelerator.vendor, option.framework.software.name
    factors = calibration.memory_factors(vendor, software, mixture=shape.experts > 0)
    need = training_memory(shape, option.recipe, layout, job.sequence_tokens, option.framework, factors)
    stage = worst_stage(need)
    terms = _terms(need[stage])
    name = f"{stage} of {layout.pipeline} pipeline stages" if layout.pipeline > 1 else "every device"
    return MemoryTable(
        stage=name,
        terms=terms,
        total_bytes=int(sum(term.value for term in terms)),
        device_bytes=contender.machine.device_memory_bytes,
        band=factors.band,
    )


def _run(
    shape: ModelShape,
    job: TrainingJob,
    contender: Contender,
    option: Option,
    layout: Layout,
    calibration: Calibration,
) -> Run:
    """The run, without its money."""
    machine = contender.machine
    factors = calibration.time_factors(option.framework.software.name, machine.accelerator.name)
    step = step_time(shape, option.recipe, layout, job.sequence_tokens, machine, factors)
    step_s = float(step.total)
    clock = wall_clock(shape, option.recipe, layout.devices, machine, job.steps, step_s)
    tokens_per_s = job.global_batch * job.sequence_tokens / step_s

    def utilization(masked: bool) -> float:
        frozen, trained = option.recipe.adapter is not None, option.recipe.trained_share
        flop = model_flop(shape, job.sequence_tokens, frozen=frozen, trained=trained, masked=masked)
        dtype = option.recipe.compute_dtype
        peak = machine.flop_per_s_per_device(RATED_AS.get(dtype, dtype)) or float("nan")
        return flop * tokens_per_s / (layout.devices * peak)

    return Run(
        start_up_s=START_UP_S,
        steps=job.steps,
        step_terms=_terms(step),
        step_s=step_s,
        tokens_per_s=tokens_per_s,
        utilization=utilization(masked=True),
        unmasked_utilization=utilization(masked=False),
        checkpoints_s=clock.checkpoints_s,
        failures_s=clock.failures_s,
        between_failures_s=clock.between_failures_s,
        other_software=other_software(
            shape, option.recipe, layout, job.sequence_tokens, machine, option.framework, calibration
        ),
        run_s=clock.run_s,
        usd=Decimal(0),
        band=run_band(shape, option.framework, option.recipe, machine.accelerator.name, calibration),
    )


def _terms(record: Any) -> tuple[Term, ...]:
    """The fields of an itemised record that are not zero."""
    named = ((name.replace("_", " "), float(value)) for name, value in asdict(record).items())
    return tuple(Term(name=name, value=value) for name, value in named if value)
