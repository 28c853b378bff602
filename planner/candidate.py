"""What does one row of the search say in full: itemised memory, time and cost?"""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from planner.batch_candidate import batch_run, batch_table
from planner.batch_record import Batch
from planner.batch_setting import BatchJob
from planner.calibration import Calibration
from planner.cost import cents, hundredth_cents, usd_of_hours
from planner.eligible import Contender
from planner.layout import Layout
from planner.memory import training_memory, worst_stage
from planner.other_software import other_software
from planner.plan import Candidate, MemoryTable, Run, Service, Term
from planner.recipes import Option
from planner.replica import Replica
from planner.run_band import run_band
from planner.search import RUNGS, Pool
from planner.search_serving import ServingJob
from planner.search_training import TrainingJob
from planner.serving import Load, computed_band, memory_terms, replica_answer, replica_memory, replica_of
from planner.serving_band import serving_bands
from planner.serving_modes import arrivals, in_flight_at
from planner.serving_spread import spreads
from planner.setting import RATED_AS
from planner.shape import ModelShape
from planner.split_service import split_service
from planner.spread import USUAL_VARIATION, Spreads
from planner.terms import paid_node_hours
from planner.training_time import START_UP_S, step_time
from planner.wall_clock import wall_clock
from planner.work import model_flop
from pricing.market import Market
from pricing.offer import Offer
from pricing.units import HOUR_S, HOURS_PER_MONTH, MEGA

AnyJob = TrainingJob | ServingJob | BatchJob


def candidate(
    shape: ModelShape, job: AnyJob, contender: Contender, pool: Pool, row: int, market: Market, calibration: Calibration
) -> Candidate:
    """The candidate that a row of the pool stands for."""
    option = contender.options[int(pool.option[row])]
    layout = pool.layout.row(row)
    offer = contender.offers[int(pool.offer[row])]
    nodes, replicas = int(pool.nodes[row]), int(pool.replicas[row])
    usd_per_hour = offer.usd_per_hour_per_node * nodes
    service = run = batch = split = None
    if isinstance(job, TrainingJob):
        memory = _training_table(shape, job, contender, option, layout, calibration)
        run = _paid(_run(shape, job, contender, option, layout, calibration), offer, nodes, market)
    elif isinstance(job, BatchJob):
        memory = batch_table(shape, job, contender, option, layout, calibration)
        run, batch = batch_run(shape, job, contender, option, layout, calibration, replicas)
        run = _paid(run, offer, nodes, market)
        batch = _priced(batch, run, job)
    else:
        memory, service = _service(shape, job, contender, option, layout, calibration, replicas, usd_per_hour)
        if partner := pool.partner_of(row):
            service, split = split_service(shape, job, contender.machine, option, layout, partner, service, calibration)
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


def _priced(batch: Batch, run: Run, job: BatchJob) -> Batch:
    """The batch job with what a million tokens cost of its instances, in and out."""
    tokens = job.requests * (job.load.input_tokens + job.load.output_tokens)
    return replace(batch, usd_per_million_tokens=hundredth_cents(run.usd / tokens * MEGA))


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


def _service(
    shape: ModelShape,
    job: ServingJob,
    contender: Contender,
    option: Option,
    layout: Layout,
    calibration: Calibration,
    replicas: int,
    usd_per_hour: Decimal,
) -> tuple[MemoryTable, Service]:
    machine = contender.machine
    factors = calibration.serving_factors(option.framework.name, machine.accelerator.name)
    load = job.load
    memory = replica_memory(shape, option.recipe, layout, machine, factors, load)
    answer = replica_answer(shape, option.recipe, layout, load, machine, factors)
    sizes = memory_terms(memory, load, layout, factors)
    terms = tuple(Term(name=name, value=float(size)) for name, size in sizes.items() if size)
    table = MemoryTable(
        stage="every device of a replica",
        terms=terms,
        total_bytes=int(sum(term.value for term in terms)),
        device_bytes=machine.device_memory_bytes,
        band=factors.memory_band,
    )
    room = replica_of(shape, option.recipe, layout, machine, factors, load)
    most = room.most_sequences(load.input_tokens, load.output_tokens, load.prefix_tokens)
    # A fixed number in flight is answered as fast as it comes back: Little's law.
    rate = job.requests_per_s or (job.concurrency or 0) / float(answer.request_s)
    month = usd_per_hour * HOURS_PER_MONTH
    tokens_per_s = rate * load.request_tokens + job.beside_tokens_per_s
    band, ttft_band = serving_bands(layout, option.framework.name, machine.accelerator.name, calibration)
    at_load = None
    if job.requests_per_s and not load.pools:
        at_load = in_flight_at(room, load.lengths, rate / replicas, layout.micro_batch)
    return table, Service(
        replicas=replicas,
        concurrency=float(layout.micro_batch),
        ttft_s=float(answer.ttft_s),
        tpot_s=float(answer.tpot_s),
        output_tokens_per_s=rate * load.output_tokens,
        kv_capacity_tokens=int(memory.capacity_tokens) if memory.cache_per_token else 0,
        usd_per_month=cents(month),
        usd_per_million_tokens=hundredth_cents(usd_per_hour / Decimal(tokens_per_s * HOUR_S) * MEGA),
        band=computed_band(band, load),
        requests_per_s_per_replica=float(answer.requests_per_s),
        largest_batch=max(int(most), layout.micro_batch),
        ttft_band=computed_band(ttft_band, load),
        requests_per_s=rate,
        tokens_per_s=tokens_per_s,
        spreads=_spreads(room, load, layout.micro_batch, replicas),
        load_concurrency=at_load,
        load_spreads=_spreads(room, load, at_load, replicas) if at_load else None,
    )


def _spreads(replica: Replica, load: Load, in_flight: float, replicas: int) -> Spreads | None:
    """How the times of generated answers are spread; embeddings have no such formulas."""
    if load.pools:
        return None
    pace = arrivals(replica, load.lengths, in_flight)
    return spreads(replica, load.lengths, in_flight, pace, variation=USUAL_VARIATION, replicas=replicas)


def _terms(record: Any) -> tuple[Term, ...]:
    """The fields of an itemised record that are not zero."""
    named = ((field.name.replace("_", " "), float(getattr(record, field.name))) for field in fields(record))
    return tuple(Term(name=name, value=value) for name, value in named if value)
