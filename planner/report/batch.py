"""How does a batch job read on a terminal: its blocks or requests in flight, its passes, its memory by place?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.batch_record import HOST_RESERVE_BYTES, Batch, PassParts
from planner.plan import Candidate, Run
from pricing.units import show_duration, show_gib, show_rate, show_usd


def batch_rows(chosen: Candidate, run: Run, batch: Batch) -> Iterator[tuple[str, str]]:
    """What is decided of a batch job, as rows of a table."""
    yield "run", _run(run, batch)
    if batch.passes:
        yield "bound by", "; ".join(_pass(each, overlaps=batch.overlaps) for each in batch.passes)
    if batch.elsewhere:
        device = f"{show_gib(chosen.memory.total_bytes)} of a device's {show_gib(chosen.memory.device_bytes)}"
        others = (f"{show_gib(each.need_bytes)} of {show_gib(each.have_bytes)} {each.of}" for each in batch.elsewhere)
        reserve = f"of host memory {show_gib(HOST_RESERVE_BYTES)} a replica are assumed for its process"
        yield "places", f"{', '.join([device, *others])}; {reserve}"


def batch_layout(chosen: Candidate, batch: Batch) -> str:
    """What a replica works on at once."""
    layout = chosen.layout
    if batch.passes:
        several = f"{layout.micro_batches} batches of {layout.micro_batch}" if layout.micro_batches > 1 else "a batch"
        return f"{layout.micro_batch * layout.micro_batches:,} requests a block, {several}"
    return f"{batch.in_flight:,} requests in flight per replica"


def step_title(run: Run, batch: Batch) -> str:
    """What the times of a run's step are of."""
    return f"Time of a {'block' if batch.passes else 'step'}, {show_duration(run.step_s)}"


def per_million(batch: Batch) -> str:
    """What tokens cost, of the instances."""
    return f"{show_usd(batch.usd_per_million_tokens)} per million tokens in{'' if batch.embeds else ' and out'}"


def _run(run: Run, batch: Batch) -> str:
    unit, each = ("block", "") if batch.passes else ("step", " of its engine")
    replicas = f"{batch.replicas:,} replicas, each" if batch.replicas > 1 else "one replica,"
    whole = run.steps - bool(batch.last_requests)
    steps = f"{replicas} {whole:,} {unit}{'s' * (whole != 1)} of {show_duration(run.step_s)}{each}"
    if batch.last_requests:
        steps += f" and a last one of {batch.last_requests:,} requests in {show_duration(batch.last_s)}"
    start = f"after {show_duration(run.start_up_s)} until it has booted and read the weights from S3"
    lost = f", {show_duration(run.failures_s)} for failures (one in {show_duration(run.between_failures_s)})"
    made = f"{show_rate(run.tokens_per_s)} tokens/s, {per_million(batch)}"
    return f"{steps} {start}{lost}; {made}; {run.band.basis}"


def _pass(each: PassParts, *, overlaps: bool) -> str:
    """One pass with its parts, the longest first."""
    parts = {
        "copies to the device": each.to_device_s,
        "copies from it": each.from_device_s,
        "disk reads": each.disk_reads_s,
        "disk writes": each.disk_writes_s,
        "the device's work": each.device_s,
    }
    told = [
        f"{name} {show_duration(value)}" for name, value in sorted(parts.items(), key=lambda item: -item[1]) if value
    ]
    how = "at once" if overlaps else "one after the other"
    return f"{each.name}: {show_duration(each.total_s)} ({', '.join(told)}, {how})"
