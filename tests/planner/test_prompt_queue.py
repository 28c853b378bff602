"""Does a prompt wait for the rest of a step, and longer the busier the replica is?"""

from __future__ import annotations

import pytest

from planner.prompt_queue import PromptQueue


@pytest.mark.parametrize("mixes", [True, False])
def test_an_idle_queue_waits_for_half_a_step(mixes: bool) -> None:
    """Without other prompts what is left of the step at work is half of it on average."""
    assert float(PromptQueue(step_s=0.02, prompt_s=0.1, busy=0.0, mixes=mixes).wait_s) == pytest.approx(0.01)


@pytest.mark.parametrize("mixes", [True, False])
def test_a_busier_queue_waits_longer(mixes: bool) -> None:
    """The wait grows with the share of time that prompts take, without end towards all of it."""
    waits = [
        float(PromptQueue(step_s=0.001, prompt_s=0.1, busy=busy, mixes=mixes).wait_s) for busy in (0.0, 0.5, 0.9, 0.99)
    ]
    assert waits == sorted(waits)
    assert waits[-1] > 1.0


def test_prompts_of_their_own_steps_wait_as_pollaczek_and_khinchine_say() -> None:
    """Where no step decodes, M/D/1: busy over twice the rest, in prompts."""
    found = PromptQueue(step_s=0.0, prompt_s=0.1, busy=0.8, mixes=False)
    assert float(found.wait_s) == pytest.approx(0.2)
