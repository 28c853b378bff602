"""How does an estimate read in a terminal?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.estimate import Estimate
from planner.pinned_choices import Taken
from pricing.units import show_bytes, show_duration, show_gib, show_rate


def print_estimate(found: Estimate) -> None:
    """Prints memory term by term, the verdict, and the time where it is known."""
    verdict = "fits" if found.fits else "does not fit"
    print(f"{found.name}: {found.model} on {found.device}: {verdict}")
    for line in _taken(found.taken):
        print(line)
    print()
    print(f"Memory, {found.stage}")
    width = max(len(term.name) for term in found.terms)
    for term in sorted(found.terms, key=lambda term: -term.value):
        if term.value:
            print(f"  {term.name:{width}}  {show_bytes(term.value):>10}  {term.value / found.total_bytes:6.1%}")
    low, high = found.band.low * found.total_bytes, found.band.high * found.total_bytes
    print(f"  {'total':{width}}  {show_gib(found.total_bytes):>10}  ({show_gib(low)} to {show_gib(high)})")
    print(f"  {'device':{width}}  {show_gib(found.device_bytes):>10}  judged at the upper edge; {found.band.basis}")
    kinds = {
        "allocated": (found.allocated_bytes, "in tensors (torch.cuda.max_memory_allocated)"),
        "reserved": (found.reserved_bytes, "with the allocator's slack (max_memory_reserved)"),
        "nvidia-smi": (found.total_bytes, "with context and collectives; the fit compares this one"),
    }
    for kind, (kept, what) in kinds.items():
        print(f"  {kind:{width}}  {show_gib(kept):>10}  {what}")
    for place, kept in (("on the host", found.host_bytes), ("on disk", found.disk_bytes)):
        if kept:
            print(f"  {place:{width}}  {show_gib(kept):>10}  of each node")
    if found.step_s and found.tokens_per_s:
        print()
        print(f"A step takes {show_duration(found.step_s)}: {show_rate(found.tokens_per_s)} tokens/s")
    for note in found.notes:
        print(f"  {note}")


def _taken(taken: Taken) -> Iterator[str]:
    """What the estimate was made for, in two lines; what the file did not name is in brackets."""
    named = [name for name in taken.techniques if name not in taken.defaults]
    software = "" if taken.software == taken.framework else f" ({taken.software})"
    defaults = f" [by default {', '.join(taken.defaults)}]" if taken.defaults else ""
    yield f"Taken: {taken.method}, {taken.framework}{software}{''.join(f', {name}' for name in named)}{defaults}"
    settings = [f"{name.replace('_', ' ')} {value}" for name, value in taken.settings if value != 1]
    schedule = [f"schedule {taken.schedule}"] if taken.schedule else []
    yield f"Layout: {', '.join([*settings, *schedule]) or 'every degree 1'}"
