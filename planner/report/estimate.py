"""How does an estimate read in a terminal?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.estimate import Estimate
from planner.pinned_choices import NVIDIA, SERVED, Taken
from pricing.units import show_bytes, show_duration, show_gib, show_rate

# What each line of the table is, where its name does not say it.
_MEANINGS = {
    "quantization blocks": "scales of packed weights",
    "adapters": "what is trained beside frozen weights",
    "master weights": "float32 copies that the optimizer steps",
    "adapter states": "moments and float32 copies of adapters",
    "step temporaries": "while the optimizer steps",
    "gathered blocks": "whole for their turn, with their gradients",
    "gathered sequence": "whole among tensor ranks for a product",
    "buckets": "that gradients are reduced in",
    "dequantized matrix": "the one unpacked for its product",
    "expert routing": "router, rows sent to experts, answers",
    "recomputed block": "computed again in the backward pass",
    "logits and loss": "over the vocabulary, and their gradient",
    "work space": "of kernels' libraries",
    "allocator slack": "reserved, but in no tensor",
    "context and collectives": "the driver's and the communicators'",
    "streamed weights": "blocks on their way through the device",
    "cache": "keys and values of all tokens",
    "states": "of recurrent blocks",
    "copies": "of weights, repacked or unpacked",
}
# Of these serving and training have others: whole models, and rows of a prompt while a block works on them.
_TRAINED = {"weights": "inside the blocks", "activations": "kept until the backward pass"}
_SERVED = {"activations": "of the prompt's rows in one block"}


def print_estimate(found: Estimate) -> None:
    """Prints memory term by term, the verdict, and the time where it is known."""
    verdict = "fits" if found.fits else "does not fit"
    low, high = found.band.low * found.total_bytes, found.band.high * found.total_bytes
    print(f"{found.name}: {found.model} on {found.device}: {verdict}")
    print(f"Needs: {show_gib(found.total_bytes)} of {show_gib(found.device_bytes)} a device, up to {show_gib(high)}")
    for caution in found.cautions:
        print(f"Mind: {caution}")
    for line in _taken(found.taken):
        print(line)
    print()
    print(f"Memory, {found.stage}")
    width = max(len(term.name) for term in found.terms)
    for term in sorted(found.terms, key=lambda term: -term.value):
        if term.value:
            share, meaning = f"{term.value / found.total_bytes:6.1%}", _meaning(term.name, found.taken)
            print(f"  {term.name:{width}}  {show_bytes(term.value):>10}  {share}  {meaning}".rstrip())
    print(f"  {'total':{width}}  {show_gib(found.total_bytes):>10}  ({show_gib(low)} to {show_gib(high)})")
    print(f"  {'device':{width}}  {show_gib(found.device_bytes):>10}  judged at the upper edge; {found.band.basis}")
    for kind, kept, what in _kinds(found):
        print(f"  {kind:{width}}  {show_gib(kept):>10}  {what}")
    for place, kept in (("on the host", found.host_bytes), ("on disk", found.disk_bytes)):
        if kept:
            print(f"  {place:{width}}  {show_gib(kept):>10}  of each node")
    if found.step_s and found.tokens_per_s:
        print()
        takes = "takes" if found.fits else "would take"
        print(f"A step {takes} {show_duration(found.step_s)}: {show_rate(found.tokens_per_s)} tokens/s")
    if found.taken.framework == SERVED:
        print()
        print("Times: an estimate of serving tells none; `berth plan` does, of an engine on what AWS sells")
    for note in found.notes:
        print(f"  {note}")


def _kinds(found: Estimate) -> Iterator[tuple[str, float, str]]:
    """The three kinds of memory; names of NVIDIA's tools only where they run."""
    has_tools = found.vendor == NVIDIA
    allocated, reserved = (" (torch.cuda.max_memory_allocated)", " (max_memory_reserved)") if has_tools else ("", "")
    yield "allocated", found.allocated_bytes, f"in tensors{allocated}"
    yield "reserved", found.reserved_bytes, f"with the allocator's slack{reserved}"
    whole = "nvidia-smi" if has_tools else "in all"
    yield whole, found.total_bytes, "with context and collectives; the fit compares this one"


def _meaning(term: str, taken: Taken) -> str:
    own = _SERVED if taken.framework == SERVED else _TRAINED
    return own.get(term) or _MEANINGS.get(term, "")


def _taken(taken: Taken) -> Iterator[str]:
    """What the estimate was made for, in two lines; what the file did not name is in brackets."""
    named = "".join(f", {name}" for name in taken.techniques if name not in taken.defaults)
    defaults = f" [by default {', '.join(taken.defaults)}]" if taken.defaults else ""
    software = "" if taken.software == taken.framework else f" ({taken.software})"
    program = "one program" if taken.software == "default" else taken.software
    done = f"{program} without a cache pool" if taken.framework == SERVED else f"{taken.framework}{software}"
    yield f"Taken: {taken.method}, {done}{named}{defaults}"
    settings = [f"{name.replace('_', ' ')} {value}" for name, value in taken.settings if value != 1]
    schedule = [f"schedule {taken.schedule}"] if taken.schedule else []
    label = "With" if taken.framework == SERVED else "Layout"
    yield f"{label}: {', '.join([*settings, *schedule]) or 'every degree 1'}"
