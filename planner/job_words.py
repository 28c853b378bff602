"""What is asked for, in one line?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.shape import ModelShape
from planner.workload import TOKENS_PER_PARAMETER, Inference, Workload
from pricing.units import show_count, show_duration, show_requests


def job_sentence(workload: Workload, shape: ModelShape) -> str:
    """The job in one line."""
    if workload.training:
        training = workload.training
        tokens = show_count(training.total_tokens(shape.active_parameters))
        why = "" if training.stated_tokens else f" ({TOKENS_PER_PARAMETER} a parameter, for want of a figure)"
        return (
            f"{training.method} on {tokens} tokens{why}, sequences of "
            f"{training.sequence_length:,}, {training.global_batch:,} a step"
        )
    assert workload.inference is not None
    inference = workload.inference
    load = f"serving {inference.concurrency:,} requests in flight" if inference.concurrency else ""
    if inference.requests_per_second:
        load = f"serving {show_requests(inference.requests_per_second)}"
    elif inference.requests:
        load = f"a batch of {inference.requests:,} requests"
    limits = [
        f"{name} within {show_duration(limit)}"
        for name, limit in (
            ("TTFT" if inference.output_tokens else "each", inference.ttft),
            ("TPOT", inference.tpot),
        )
        if limit
    ]
    tokens = f"{inference.input_tokens:,} tokens in, {inference.output_tokens:,} out"
    if not inference.output_tokens:
        tokens = f"an embedding of {inference.input_tokens:,} tokens each"
    known = inference.prefix_cache_hit_rate
    cached = [f"of which the prefix cache knows {known * inference.input_tokens:,.0f} ({known:.0%})"] if known else []
    return ", ".join([load, tokens, *cached, *_beside_model(inference), *limits])


def _beside_model(inference: Inference) -> Iterator[str]:
    """What is served with the model: drafts, adapters."""
    if drafts := inference.speculative:
        yield f"{drafts.tokens} tokens at a time drafted by {drafts.draft} and accepted with {drafts.acceptance:.0%}"
    if adapters := inference.adapters:
        yield f"{adapters.count:,} adapters of rank {adapters.rank}"
    if inference.co_served:
        yield f"beside {' and '.join(each.model for each in inference.co_served)}"
