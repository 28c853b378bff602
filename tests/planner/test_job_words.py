"""Does a reader see in one line what was asked?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.job_words import job_sentence
from planner.workload import Workload
from tests.planner.builders import DENSE
from tests.planner.market_builders import inference, training, workload

EMBEDS = {"output_tokens": None, "engine": None}


def serves(**changes: Any) -> Workload:
    """A workload that serves."""
    return workload(inference=inference(**changes))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (workload(), "pretrain on 8.19B tokens, sequences of 1,024, 8 a step"),
        (
            workload(training=training(tokens=None)),
            "pretrain on 650M tokens (20 a parameter, for want of a figure), sequences of 1,024, 8 a step",
        ),
        (serves(), "serving 20 requests/s, 512 tokens in, 128 out"),
        (
            serves(requests_per_second=None, concurrency=4000, ttft="2s", tpot="50ms"),
            "serving 4,000 requests in flight, 512 tokens in, 128 out, TTFT within 2.00 s, TPOT within 50 ms",
        ),
        (serves(requests_per_second=None, requests=9000), "a batch of 9,000 requests, 512 tokens in, 128 out"),
        (serves(**EMBEDS, ttft="2s"), "serving 20 requests/s, an embedding of 512 tokens each, each within 2.00 s"),
        (
            serves(prefix_cache_hit_rate=0.25),
            "serving 20 requests/s, 512 tokens in, 128 out, of which the prefix cache knows 128 (25%)",
        ),
        (
            serves(
                speculative={"tokens": 4, "acceptance": 0.7, "draft": "llama-3.2-1b"},
                adapters={"count": 1200, "rank": 16},
            ),
            "serving 20 requests/s, 512 tokens in, 128 out, 4 tokens at a time drafted by llama-3.2-1b and accepted "
            "with 70%, 1,200 adapters of rank 16",
        ),
        (
            serves(co_served=[{"model": "bert-base", "requests_per_second": 5, "input_tokens": 128}]),
            "serving 20 requests/s, 512 tokens in, 128 out, beside bert-base",
        ),
    ],
)
def test_the_job_is_one_sentence(asked: Workload, sentence: str) -> None:
    """Load, tokens, what is served with the model, and limits, each where there is one."""
    assert job_sentence(asked, DENSE) == sentence
