"""How fast is a chosen candidate, in rows of its table: its run, or the answers of its service?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.plan import Band, Candidate, Run, Service
from planner.report.batch import batch_rows
from planner.spread import USUAL_VARIATION, Spreads
from pricing.units import show_duration, show_rate, show_requests


def speed_rows(chosen: Candidate) -> Iterator[tuple[str, str]]:
    """What is said of time and rates."""
    if chosen.run and chosen.batch:
        yield from batch_rows(chosen, chosen.run, chosen.batch)
    elif chosen.run:
        yield "run", _run(chosen.run)
        yield "software", _software(chosen, chosen.run)
    if chosen.service:
        yield "service", _service(chosen.service)
        if chosen.service.spreads:
            yield "latency", _latency(chosen.service, chosen.service.spreads)
        if chosen.service.load_spreads and chosen.service.load_concurrency:
            at = f"at the planned load, {chosen.service.load_concurrency:.3g} in flight per replica"
            yield "", f"{at}: {_times(chosen.service.load_spreads)}"


def banded(seconds: float, band: Band) -> str:
    """A time with the edges of its band."""
    return f"{show_duration(seconds)} ({show_duration(seconds * band.low)} to {show_duration(seconds * band.high)})"


def _run(run: Run) -> str:
    steps = f"{run.steps:,} steps of {show_duration(run.step_s)} after {show_duration(run.start_up_s)} of start-up"
    stalls = f"{show_duration(run.checkpoints_s)} for checkpoints and {show_duration(run.failures_s)} for failures"
    lost = f", {stalls} (one in {show_duration(run.between_failures_s)})" if run.failures_s else ""
    used = (
        f"{run.utilization:.0%} of the peak used (MFU; {run.unmasked_utilization:.0%} with what causal masks leave out)"
    )
    return f"{steps}{lost}; {show_rate(run.tokens_per_s)} tokens/s, {used}; {run.band.basis}"


def _software(chosen: Candidate, run: Run) -> str:
    """What the same step would take in other frameworks."""
    if not run.other_software:
        return f"{chosen.framework}; no other framework runs this layout on {chosen.accelerator}"
    others = [f"{term.name} {term.value / run.step_s:.2f} times" for term in run.other_software]
    return f"{chosen.framework}; the same step would take in {', '.join(others)} as long"


def _service(service: Service) -> str:
    several = "s" if service.replicas > 1 else ""
    ttft = banded(service.ttft_s, service.ttft_band or service.band)
    tpot = banded(service.tpot_s, service.band)
    if service.embeds:
        return (
            f"{service.replicas} replica{several}, {show_requests(service.requests_per_s)}, "
            f"{show_rate(service.tokens_per_s)} input tokens/s; an embedding in {ttft}; "
            f"{(service.ttft_band or service.band).basis}"
        )
    return (
        f"{service.replicas} replica{several}, {show_rate(service.output_tokens_per_s)} output tokens/s, cache for "
        f"{service.kv_capacity_tokens:,} tokens per replica; at the most in flight that a replica is planned for "
        f"({service.concurrency:,.0f}) TTFT {ttft}, TPOT {tpot}; {service.band.basis}"
    )


def _latency(service: Service, spreads: Spreads) -> str:
    return (
        f"at those {service.concurrency:,.0f} in flight: {_times(spreads)}; formulas for arrivals at random and "
        f"lengths {USUAL_VARIATION:.0%} apart, which is assumed; limits are on means at the most in flight; "
        "`berth simulate` replays requests at the planned load"
    )


def _times(spreads: Spreads) -> str:
    return "; ".join(
        f"{name} " + ", ".join(f"{figure} {show_duration(seconds)}" for figure, seconds in spread.named())
        for name, spread in (("TTFT", spreads.ttft), ("TPOT", spreads.tpot))
    )
