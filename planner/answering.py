"""What does one row of the search of a job that answers requests say in full?"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from planner.batch_candidate import batch_run, batch_table
from planner.batch_record import Batch
from planner.batch_setting import BatchJob
from planner.calibration import Calibration
from planner.cost import cents, hundredth_cents
from planner.eligible import Contender
from planner.layout import Layout
from planner.plan import MemoryTable, Run, Service, Term
from planner.recipes import Option
from planner.replica import Replica
from planner.search import Pool
from planner.search_serving import ServingJob
from planner.serving import Load, computed_band, memory_terms, replica_answer, replica_memory, replica_of
from planner.serving_band import serving_bands
from planner.serving_modes import arrivals, in_flight_at
from planner.serving_spread import spreads
from planner.shape import ModelShape
from planner.split_record import Split
from planner.split_service import split_service
from planner.spread import USUAL_VARIATION, Spreads
from pricing.records import replace
from pricing.units import HOUR_S, HOURS_PER_MONTH, MEGA


def answering(
    shape: ModelShape,
    job: ServingJob | BatchJob,
    contender: Contender,
    pool: Pool,
    row: int,
    usd_per_hour: Decimal,
    calibration: Calibration,
    pay: Callable[[Run], Run],
) -> tuple[MemoryTable, Run | None, Batch | None, Service | None, Split | None]:
    """Memory, and of a batch job its run and its work, of a service what it answers and who works on its prompts.

    `usd_per_hour` is that of all instances, `pay` adds to a run what its instances cost.
    """
    option = contender.options[int(pool.option[row])]
    layout, replicas = pool.layout.row(row), int(pool.replicas[row])
    if isinstance(job, BatchJob):
        memory = batch_table(shape, job, contender, option, layout, calibration)
        run, batch = batch_run(shape, job, contender, option, layout, calibration, replicas)
        run = pay(run)
        return memory, run, _priced(batch, run, job), None, None
    memory, service = _service(shape, job, contender, option, layout, calibration, replicas, usd_per_hour)
    split, partner = None, pool.partner_of(row)
    if partner:
        service, split = split_service(shape, job, contender.machine, option, layout, partner, service, calibration)
    return memory, None, None, service, split


def _priced(batch: Batch, run: Run, job: BatchJob) -> Batch:
    """The batch job with what a million tokens cost of its instances, in and out."""
    tokens = job.requests * (job.load.input_tokens + job.load.output_tokens)
    return replace(batch, usd_per_million_tokens=hundredth_cents(run.usd / tokens * MEGA))


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
    """The memory of a replica, and the service of so many, without its prompts' own replicas."""
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
