"""Is vLLM told what its documentation wants to hear?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.engine_words import engine_words
from tests.planner.market_builders import inference, market, offer, plan, serving_machines, workload

SOLD = market(serving_machines(), [offer(each.name, 1 + place) for place, each in enumerate(serving_machines())])


def words(**asked: Any) -> tuple[str, ...]:
    """What the engine of a plan is told."""
    made = workload(inference=inference(**asked))
    assert made.inference is not None
    return engine_words(made.inference, plan(made, SOLD).chosen)


def test_plain_answers_need_no_words() -> None:
    """Nothing beside the arguments of every model."""
    assert words() == ()


@pytest.mark.parametrize(
    ("draft", "config"),
    [
        ("ngram", {"method": "ngram", "num_speculative_tokens": 4}),
        ("mtp", {"method": "mtp", "num_speculative_tokens": 4}),
        ("eagle3", {"method": "eagle3", "model": "/model/draft", "num_speculative_tokens": 4}),
        ("pythia-70m", {"method": "draft_model", "model": "/model/draft", "num_speculative_tokens": 4}),
    ],
)
def test_drafts_are_a_json_object(draft: str, config: dict[str, Any]) -> None:
    """Method, tokens, and where the draft's files lie if it has any."""
    flag, told = words(speculative={"tokens": 4, "acceptance": 0.7, "draft": draft})
    assert (flag, json.loads(told)) == ("--speculative-config", config)


def test_adapters_have_slots_of_a_rank_that_there_is() -> None:
    """Rank 20 takes a slot of 32; as many slots as are loaded, and all adapters in host memory."""
    assert words(adapters={"count": 6, "rank": 20, "loaded": 3}) == (
        *("--enable-lora", "--max-loras", "3"),
        *("--max-lora-rank", "32", "--max-cpu-loras", "6"),
    )


def test_embeddings_have_a_runner() -> None:
    """vLLM's pooling runner."""
    assert words(output_tokens=0) == ("--runner", "pooling")
