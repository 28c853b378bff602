"""Do replicas for prompts and others for answers carry the load, and does a request wait for what it must?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.handover import Answers, Demanded, Prompts, Roles, Served, answers_of, prompts_of, roles, sized
from planner.layout import Layout
from planner.serving import PLANNED_SHARE, Load, replica_of
from pricing.records import replace
from tests.planner.builders import LATENT_MIXED, LINK, MIXED, NETWORK, SERVED, changed, examples, grid, machine, recipe

BF16 = recipe("bf16", of="vllm")
NODE = machine()
LOAD = Load(input_tokens=1000, output_tokens=200, context_tokens=4000)
SERVES = Served(shape=MIXED, recipe=BF16, machine=NODE, factors=changed(SERVED, batched_tokens=512), load=LOAD)


def made(prompt_s: float = 0.1, step_s: float = 0.01, in_flight: float = 16.0, handover_s: float = 0.05) -> Roles:
    """One replica of each role with round times; answers of 100 tokens."""
    return Roles(
        prompts=Prompts(alone_s=np.array([prompt_s]), each_s=np.array([prompt_s]), senders=np.array([1])),
        answers=Answers(
            step_s=np.array([step_s]),
            in_flight=np.array([in_flight]),
            device_bytes=np.array([1.0]),
            receivers=np.array([1]),
        ),
        handover_s=np.array([[handover_s]]),
        received_s=0.02,
        admission_steps=2.0,
        answer_tokens=100,
    )


def rate_of(rate: float, ttft_s: float = np.inf) -> Demanded:
    """A load of so many requests a second."""
    return Demanded(requests_per_s=rate, concurrency=None, ttft_s=ttft_s)


def test_a_request_passes_both_engines() -> None:
    """The first token takes both entries, the prompt, the handover, the wait to be let in and one step; the rest, steps
    alone."""
    found = made()
    assert float(found.first_s[0, 0]) == pytest.approx(2 * 0.02 + 0.1 + 0.05 + 3 * 0.01)
    assert float(found.further_s[0]) == pytest.approx(99 * 0.01)
    assert float(found.decode_rate[0, 0]) == pytest.approx(PLANNED_SHARE * 16 / (0.05 + 102 * 0.01))


@given(st.floats(0.01, 1e4), st.floats(0.23, 10.0))
@examples
def test_both_roles_are_sized_to_the_load(rate: float, ttft_s: float) -> None:
    """Replicas of either role carry the load below their planned share, one fewer would not, or prompts would wait
    longer than the limit lets them."""
    pair = made()
    found = sized(pair, rate_of(rate, ttft_s))
    prefill, decode = float(found.prefill[0, 0]), float(found.decode[0, 0])
    assert decode * float(pair.decode_rate[0, 0]) >= rate * (1 - 1e-6)
    assert decode == 1 or (decode - 1) * float(pair.decode_rate[0, 0]) < rate
    assert float(found.busy[0, 0]) <= PLANNED_SHARE + 1e-6
    assert float(found.ttft_s[0, 0]) <= ttft_s * (1 + 1e-6)
    if prefill > 1:
        busy = rate * 0.1 / (prefill - 1)
        late = busy >= 1 or 0.22 + busy / (2 * (1 - busy)) * 0.1 > ttft_s
        assert busy > PLANNED_SHARE - 1e-6 or late


def test_what_no_number_of_replicas_mends_has_none() -> None:
    """Where the prompt alone takes longer than the limit, no number of replicas is enough."""
    assert np.isinf(sized(made(), rate_of(1.0, ttft_s=0.2)).prefill[0, 0])


def test_requests_in_flight_come_as_often_as_they_are_answered() -> None:
    """By Little's law a number in flight is a rate: it sizes the replicas for prompts, and itself those for answers."""
    found = sized(made(), Demanded(requests_per_s=None, concurrency=40.0, ttft_s=np.inf))
    assert float(found.decode[0, 0]) == 3
    assert float(found.requests_per_s[0, 0]) == pytest.approx(40 / (0.22 + 0.99))


@pytest.mark.parametrize(
    ("first", "second", "times"),
    [(Layout(), Layout(), 1), (Layout(tensor=2), Layout(tensor=2), 1), (Layout(), Layout(tensor=2), 2)],
)
@pytest.mark.parametrize("one_node", [True, False])
def test_a_prompts_cache_is_handed_over(first: Layout, second: Layout, times: int, one_node: bool) -> None:
    """Each device has the rate of its part of the network, or of the link in a node; the side with fewer is busier."""
    served = replace(SERVES, shape=LATENT_MIXED)
    pair = roles(served, prompts_of(served, grid([first])), answers_of(served, grid([second])), one_node)
    latent = 8 * (64 + 16) * 2 * LOAD.input_tokens
    assert float(pair.answers.device_bytes[0]) == pytest.approx(latent)
    rate = LINK if one_node else NETWORK / 8
    assert float(pair.handover_s[0, 0]) == pytest.approx(times * latent / rate)


def test_decoding_alone_is_a_step_without_prompts() -> None:
    """A replica that decodes takes the step of its requests at half their answers, and nothing for prompts."""
    layout = Layout(micro_batch=8)
    step = replica_of(MIXED, BF16, layout, NODE, SERVES.factors).step_s(8, 8 * 1100)
    assert float(answers_of(SERVES, grid([layout])).step_s[0]) == pytest.approx(float(step))


def test_a_prompt_alone_is_as_long_as_its_pieces() -> None:
    """Without data ranks or stages a prompt takes its prefill; data ranks work on one each, in one longer step."""
    whole = float(replica_of(MIXED, BF16, Layout(), NODE, SERVES.factors).prefill_s(1000))
    found = prompts_of(SERVES, grid([Layout(), Layout(data=4)]))
    # Two pieces of 512 where the formula has two of 500.
    assert float(found.alone_s[0]) == pytest.approx(whole, rel=0.05)
    assert float(found.each_s[0]) == pytest.approx(float(found.alone_s[0]))
    assert float(found.each_s[1]) == pytest.approx(float(found.alone_s[1]) / 4)


def test_a_longer_prompt_takes_longer_to_take_in() -> None:
    """Both engines take in every token of a prompt, beside what each request takes."""
    served = replace(SERVES, factors=replace(SERVES.factors, request_s=0.5, prompt_token_s=1e-3))
    layout = grid([Layout(micro_batch=4)])
    found = roles(served, prompts_of(served, layout), answers_of(served, layout), one_node=False)
    assert found.received_s == pytest.approx(0.5 + 1e-3 * LOAD.input_tokens)
