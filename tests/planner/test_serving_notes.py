"""Is a reader told how an engine learns the layout, and what no stack does?"""

from __future__ import annotations

import pytest

from planner.framework import load_frameworks
from planner.layout import Layout
from planner.plan import Candidate
from planner.serving_notes import serving_notes
from planner.split_record import Split
from planner.workload import Workload
from pricing.records import replace
from tests.planner.builders import DENSE, MIXED
from tests.planner.market_builders import inference, machine, market, offer, plan, serving_machines, workload

SERVING = {
    "weights": "s3://my-models/mixed",
    "certificate": "arn:aws:acm:us-east-1:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100",
}
NODE = machine("p5.eight", accelerators=8)


def asked(**provision: object) -> Workload:
    """What is served, built so."""
    return workload(inference=inference(), provision=provision)


def chosen(**layout: int) -> Candidate:
    """A choice on vLLM, laid out so."""
    found = plan(asked(), market(serving_machines(), [offer("p5.small", 1)])).chosen
    return replace(found, layout=Layout(**layout))


@pytest.mark.parametrize(
    ("engine", "layout", "words"),
    [
        ("vllm", Layout(data=8, expert=8), "--data-parallel-size 8 --enable-expert-parallel"),
        ("vllm", Layout(tensor=4, data=2), "--tensor-parallel-size 4 --data-parallel-size 2"),
        ("vllm", Layout(tensor=8, pipeline=2), "--tensor-parallel-size 8 --pipeline-parallel-size 2"),
        ("sglang", Layout(tensor=2, data=4, expert=8), "--tp-size 8 --dp-size 4 --enable-dp-attention --ep-size 8"),
        (
            "tensorrt-llm",
            Layout(data=8, expert=4),
            "tensor_parallel_size: 8 enable_attention_dp: true moe_expert_parallel_size: 4",
        ),
        ("vllm", Layout(), ""),
    ],
)
def test_engines_are_told_in_their_own_words(engine: str, layout: Layout, words: str) -> None:
    """Degrees beyond 1 are spelled as the engine spells them; some count all ranks of a stage."""
    assert load_frameworks()[engine].told(layout) == words


def test_shared_experts_are_told_where_no_stack_starts_the_engine() -> None:
    """Data ranks are the user's to start on plain nodes; a plain layout needs no word."""
    (said,) = serving_notes(asked(), MIXED, chosen(data=8, expert=8), NODE)
    assert said.endswith("--data-parallel-size 8 --enable-expert-parallel.")
    assert not list(serving_notes(asked(), MIXED, chosen(tensor=8), NODE))
    assert not list(serving_notes(workload(), DENSE, chosen(), NODE))


def test_replicas_of_a_mixture_on_one_node_are_joined() -> None:
    """vLLM makes data ranks of a node's replicas of a mixture, which a fleet's reader is told."""
    fleet = asked(target="serving-fleet", serving=SERVING)
    assert any("joins the 4 replicas" in each for each in serving_notes(fleet, MIXED, chosen(tensor=2), NODE))
    assert not list(serving_notes(fleet, DENSE, chosen(tensor=2), NODE))
    assert not list(serving_notes(fleet, MIXED, chosen(tensor=8), NODE))


def test_a_fleet_apart_is_refused_by_stacks() -> None:
    """Who plans prompts and answers apart is told that no stack builds them."""
    split = Split(
        layout=Layout(),
        replicas=1,
        busy=0.5,
        queue_s=0.0,
        prompt_s=0.1,
        handover_s=0.0,
        handover_bytes=1,
        hands_over="a connector",
        one_node=True,
    )
    (said,) = serving_notes(asked(), DENSE, replace(chosen(), split=split), NODE)
    assert "a synth refuses this plan" in said


@pytest.mark.parametrize(
    ("replicas", "holds", "told"), [(1, 9, True), (1, 19, False), (4, 9, False), (4, 6, True)], ids=str
)
def test_a_cache_without_room_for_bursts_is_told(replicas: int, holds: int, told: bool) -> None:
    """5.4 in flight are 10.8 in one moment of a hundred, 8.1 on each of four replicas: less room makes them wait."""
    found = chosen()
    assert found.service
    tight = replace(found.service, replicas=replicas, load_concurrency=5.4, largest_batch=holds)
    said = list(serving_notes(asked(), DENSE, replace(found, service=tight), NODE))
    assert bool(said) is told
    assert not told or f"A replica holds {holds} requests" in said[0]
