"""How fast could a replica answer a single request, and what keeps it from being faster?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.replica import Replica
from planner.serving import Load
from pricing.records import replace
from pricing.units import show_duration

# Beyond any rate: what is read, computed or sent at it takes no time.
AT_ONCE = 1e12
# What each cause's absence would make of a step's factors.
WITHOUT: Mapping[str, Mapping[str, float]] = {
    "reading weights and cache": {"memory": AT_ONCE, "cache": AT_ONCE},
    "computing": {"matmul": AT_ONCE, "narrow": AT_ONCE, "grouped": AT_ONCE, "attention": AT_ONCE},
    "launching kernels and scheduling": dict.fromkeys(
        (
            "block_s",
            "expert_block_s",
            "recurrent_block_s",
            "latent_block_s",
            "packed_block_s",
            "emulated_block_s",
            "prompt_block_s",
            "step_s",
            "sequence_s",
            "request_s",
            "prompt_token_s",
        ),
        0.0,
    ),
    "passing data between devices": {
        "reduce_s": 0.0,
        "staged_reduce_s": 0.0,
        "network_latency_s": 0.0,
        "link": AT_ONCE,
        "staged_link": AT_ONCE,
        "network": AT_ONCE,
    },
}


def token_floor(replica: Replica, load: Load) -> str:
    """The least time between tokens, of a request that is alone, and the cause that takes most of it."""
    live = load.input_tokens + load.output_tokens / 2
    return _floor(replica, "a token takes", lambda each: each.step_s(1.0, live))


def prompt_floor(replica: Replica, load: Load) -> str:
    """The least time to the first token, of a request that is alone, and the cause that takes most of it."""
    tokens = load.input_tokens
    return _floor(replica, "the prompt takes", lambda each: each.received_s(tokens) + each.prefill_s(tokens))


def _floor(replica: Replica, what: str, seconds: Callable[[Replica], Any]) -> str:
    whole = float(seconds(replica))
    saved = {
        name: whole - float(seconds(replace(replica, factors=replace(replica.factors, **changes))))
        for name, changes in WITHOUT.items()
    }
    most = max(saved, key=lambda name: saved[name])
    return f"alone on it {what} {show_duration(whole)}, {saved[most] / whole:.0%} of it {most}"
