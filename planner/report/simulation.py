"""How does a simulation read on a terminal?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from planner.simulated import TO_EMBEDDING, Compared, Simulated, verdict
from planner.simulated_batch import SimulatedBatch, batch_verdict
from planner.spread import Spread
from pricing.units import show_duration, show_rate, show_requests
from pricing.wording import listed


def print_simulation(found: Simulated, fleet: str, stream: str, beside: Sequence[str] = ()) -> None:
    """Prints what a fleet made of a stream of requests, both told in words, beside the plan's own figures.

    `beside` are further models on the same instances.
    """
    print("\n".join(_lines(found, fleet, stream)))
    if beside:
        print(
            f"  On devices of their own, and with no part in this: {listed(beside, whole=True)}; simulate each as a "
            "workload of its own."
        )


def _lines(found: Simulated, fleet: str, stream: str) -> Iterator[str]:
    yield f"{fleet}"
    counted = f", the first {found.left_out:,} not counted" if found.left_out else ""
    yield (
        "The plan's times are those of a replica with as many requests in flight as are planned for it; the "
        "formulas below are of the load that came."
    )
    yield f"{found.requests:,} requests over {show_duration(found.span_s)}{counted}: {stream}"
    yield ""
    yield f"  {'':<14}{'mean':>12}{'p50':>12}{'p95':>12}{'p99':>12}"
    answered = (("TTFT", found.ttft_s), ("TPOT", found.tpot_s), ("whole answer", found.request_s))
    for name, spread in ((TO_EMBEDDING, found.ttft_s),) if found.embeds else answered:
        yield f"  {name:<14}" + "".join(f"{show_duration(each):>12}" for each in _figures(spread))
    yield ""
    out = "" if found.embeds else f", {show_rate(found.output_tokens_per_s)} out"
    yield (
        f"  throughput    {show_requests(found.requests_per_s)}, {show_rate(found.input_tokens_per_s)} tokens/s in{out}"
    )
    yield (
        f"  replicas      {found.replicas}, with work {found.utilisation:.1%} of the time, {found.sequences:,.1f} of "
        f"at most {found.largest_batch:,} requests at once each"
    )
    again = f"; {found.preemptions:,} requests lost their cache and were prefilled anew" if found.preemptions else ""
    if not found.embeds:
        yield f"  cache         {found.cache_share:.1%} full on average, {found.peak_cache_share:.1%} at most{again}"
    yield ""
    yield from _comparison(found.compared, "formulas")
    yield from (f"  {sentence}" for sentence in verdict(found))


def print_batch_simulation(found: SimulatedBatch, fleet: str) -> None:
    """Prints how a batch job went, beside what the plan's formula says."""
    print("\n".join(_batch_lines(found, fleet)))


def _batch_lines(found: SimulatedBatch, fleet: str) -> Iterator[str]:
    yield fleet
    part = found.requests < found.of_requests
    those = f"The first {found.requests:,} of {found.of_requests:,}" if part else f"{found.requests:,}"
    yield f"{those} requests that all stand ready: {found.how}"
    yield ""
    replicas = "1 replica" if found.replicas == 1 else f"{found.replicas} replicas"
    yield f"  done          {show_duration(found.work_s)} after the nodes have started, {replicas}"
    if found.answered_s:
        half, most, whole = (show_duration(each) for each in found.answered_s)
        yield f"  answered      half after {half}, 95% after {most}, all after {whole}"
    if part:
        formula, scaled = (show_duration(each) for each in found.whole_s)
        yield f"  whole job     {formula} by the formula, {scaled} as these went; --requests follows more"
    yield f"  throughput    {show_rate(found.output_tokens_per_s)} tokens/s out, {found.in_flight:,} requests at once"
    if found.preemptions:
        yield f"  cache         {found.preemptions:,} requests lost theirs and were prefilled anew"
    yield ""
    yield from _comparison(found.compared, "formula")
    yield from (f"  {sentence}" for sentence in batch_verdict(found))


def _comparison(compared: Iterable[Compared], said: str) -> Iterator[str]:
    yield f"  {'':<14}{said:>14}{'simulated':>14}{'ratio':>8}"
    for each in compared:
        show = show_duration if each.unit == "s" else show_rate
        mark = "" if each.agrees else f"  more than {each.tolerance:.0%} apart"
        yield f"  {each.name:<14}{show(each.analytic):>14}{show(each.simulated):>14}{each.ratio:>8.2f}{mark}"


def _figures(spread: Spread) -> tuple[float, ...]:
    return tuple(seconds for _, seconds in spread.named())
