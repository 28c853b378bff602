"""How does a simulation read on a terminal?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.simulated import Simulated, verdict
from planner.spread import Spread
from pricing.units import show_duration, show_rate


def print_simulation(found: Simulated, fleet: str, stream: str) -> None:
    """Prints what a fleet made of a stream of requests, both told in words, beside the plan's own figures."""
    print("\n".join(_lines(found, fleet, stream)))


def _lines(found: Simulated, fleet: str, stream: str) -> Iterator[str]:
    yield f"{fleet}"
    counted = f", the first {found.left_out:,} not counted" if found.left_out else ""
    yield (
        "The plan's TTFT and TPOT are those of a replica with as many requests in flight as are planned for it; the "
        "formulas below are of the load that came."
    )
    yield f"{found.requests:,} requests over {show_duration(found.span_s)}{counted}: {stream}"
    yield ""
    yield f"  {'':<14}{'mean':>12}{'p50':>12}{'p95':>12}{'p99':>12}"
    for name, spread in (("TTFT", found.ttft_s), ("TPOT", found.tpot_s), ("whole answer", found.request_s)):
        yield f"  {name:<14}" + "".join(f"{show_duration(each):>12}" for each in _figures(spread))
    yield ""
    yield (
        f"  throughput    {show_rate(found.requests_per_s)} requests/s, {show_rate(found.input_tokens_per_s)} tokens/s "
        f"in, {show_rate(found.output_tokens_per_s)} out"
    )
    yield (
        f"  replicas      {found.replicas}, with work {found.utilisation:.1%} of the time, {found.sequences:,.1f} of "
        f"at most {found.largest_batch:,} requests at once each"
    )
    again = f"; {found.preemptions:,} requests lost their cache and were prefilled anew" if found.preemptions else ""
    yield f"  cache         {found.cache_share:.1%} full on average, {found.peak_cache_share:.1%} at most{again}"
    yield ""
    yield f"  {'':<14}{'formulas':>14}{'simulated':>14}{'ratio':>8}"
    for each in found.compared:
        show = show_duration if each.unit == "s" else show_rate
        mark = "" if each.agrees else f"  more than {each.tolerance:.0%} apart"
        yield (f"  {each.name:<14}{show(each.analytic):>14}{show(each.simulated):>14}{each.ratio:>8.2f}{mark}")
    yield from (f"  {sentence}" for sentence in verdict(found))


def _figures(spread: Spread) -> tuple[float, ...]:
    return tuple(seconds for _, seconds in spread.named())
