"""What does one row of a batch job's search say in full: memory by place, time by part?"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import asdict

from planner.batch_record import Batch, PassParts, PlaceNeed
from planner.batch_setting import BatchJob, BatchSetting
from planner.batch_time import ReplicaRun
from planner.calibration import Calibration
from planner.eligible import Contender
from planner.failures import lost_s
from planner.layout import Layout
from planner.plan import MemoryTable, Run, Term
from planner.recipes import Option
from planner.run_band import run_band
from planner.serving import computed_band, memory_terms, replica_memory
from planner.shape import ModelShape
from planner.streamed_time import PassTime
from pricing.instance_type import InstanceType


def setting_of(
    shape: ModelShape, job: BatchJob, option: Option, machine: InstanceType, calibration: Calibration
) -> BatchSetting:
    """An option on a machine, as the search sees it."""
    return BatchSetting(shape=shape, option=option, machine=machine, load=job.load, calibration=calibration)


def batch_table(
    shape: ModelShape, job: BatchJob, contender: Contender, option: Option, layout: Layout, calibration: Calibration
) -> MemoryTable:
    """The memory of each device of a replica, term by term."""
    setting = setting_of(shape, job, option, contender.machine, calibration)
    named: Mapping[str, Any]
    if option.framework.streaming:
        memory = setting.memory(layout)
        named, stage, band = memory.terms, "the device of a replica", memory.band
    else:
        pooled = replica_memory(shape, option.recipe, layout, setting.machine, setting.factors, job.load)
        named = memory_terms(pooled, job.load, layout, setting.factors)
        stage, band = "every device of a replica", setting.factors.memory_band
    terms = tuple(Term(name=name.replace("_", " "), value=float(value)) for name, value in named.items() if value)
    return MemoryTable(
        stage=stage,
        terms=terms,
        total_bytes=int(sum(term.value for term in terms)),
        device_bytes=contender.machine.device_memory_bytes,
        band=band,
    )


def batch_run(
    shape: ModelShape,
    job: BatchJob,
    contender: Contender,
    option: Option,
    layout: Layout,
    calibration: Calibration,
    replicas: int,
) -> tuple[Run, Batch]:
    """The run, without its money, and what it works through."""
    machine = contender.machine
    setting = setting_of(shape, job, option, machine, calibration)
    share = float(-(-job.requests // replicas))
    found = setting.run(layout, share)
    clock, work_s = setting.clock(layout, found, share), float(found.work_s)
    block = layout.micro_batch * layout.micro_batches
    run = Run(
        start_up_s=float(clock.start_up_s),
        steps=round(float(found.steps)),
        step_terms=tuple(Term(name=name, value=float(value)) for name, value in found.terms.items() if value),
        step_s=float(found.step_s),
        # Embeddings make no tokens: then what they read counts.
        tokens_per_s=job.requests * (job.load.output_tokens or job.load.input_tokens) / work_s,
        failures_s=float(clock.failures_s),
        between_failures_s=float(clock.between_failures_s) / replicas,
        run_s=float(clock.run_s),
        usd=Decimal(0),
        band=computed_band(
            run_band(shape, option.framework, option.recipe, machine.accelerator.name, calibration), job.load
        ),
        stopped_nodes=max(layout.devices // machine.devices, 1),
        lost_s=float(lost_s(block, share / work_s, clock.run_s)),
    )
    streaming = option.framework.streaming
    whole, left = divmod(share, block)
    partial = bool(streaming and whole and left)
    batch = Batch(
        requests=job.requests,
        replicas=replicas,
        in_flight=int(found.in_flight),
        usd_per_million_tokens=Decimal(0),
        elsewhere=_elsewhere(setting, layout) if streaming else (),
        passes=_passes(setting, layout, found) if streaming else (),
        overlaps=streaming.overlaps if streaming else True,
        embeds=job.load.pools,
        last_requests=int(left) if partial else 0,
        last_s=work_s - whole * float(found.step_s) if partial else 0.0,
    )
    return run, batch


def _elsewhere(setting: BatchSetting, layout: Layout) -> tuple[PlaceNeed, ...]:
    return tuple(
        PlaceNeed(of=each.of, need_bytes=int(each.need), have_bytes=int(each.have))
        for each in setting.demands(setting.memory(layout))
        if each.need
    )


def _passes(setting: BatchSetting, layout: Layout, found: ReplicaRun) -> tuple[PassParts, ...]:
    """The first pass of a block and a further one, of the largest block that there is."""
    streamed, lengths = setting.streamed(layout), setting.load.lengths
    batches = -(-int(found.in_flight) // layout.micro_batch)
    passes = {"prompts": streamed.prompts, "a further token": streamed.token}
    return tuple(_parts(name, each(layout.micro_batch, batches, lengths), setting) for name, each in passes.items())


def _parts(name: str, each: PassTime, setting: BatchSetting) -> PassParts:
    streaming = setting.option.framework.streaming
    assert streaming
    parts = {f"{name}_s": float(seconds) for name, seconds in asdict(each).items()}
    return PassParts(name=name, total_s=float(each.total_s(streaming)), **parts)
