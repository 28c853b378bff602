"""Does a round of drafts take what its steps take, and make as many tokens as are accepted?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.layout import Layout
from planner.recipe import Recipe
from planner.replica import Replica
from planner.serving import Load, replica_memory, replica_of
from planner.shape import ModelShape
from planner.speculation import Speculation, drafts_of_its_own
from pricing.records import replace
from tests.planner.builders import DENSE, NODE, SERVED, changed, grid, recipe

BF16: Recipe = recipe("bf16", of="vllm")
LOAD = Load(input_tokens=1000, output_tokens=200, context_tokens=1200)
SMALL = replace(DENSE, name="small", blocks=(replace(DENSE.blocks[0], count=1),))
FACTORS = changed(SERVED, block_s=1e-4, step_s=1e-3, sequence_s=1e-5, batched_tokens=2048)
N_GRAM = Speculation(name="ngram", tokens=4, acceptance=0.7)
DRAFTED = replace(N_GRAM, name="small", draft=SMALL)
OWN = replace(N_GRAM, name="mtp", draft=drafts_of_its_own(DENSE), shares_ends=True)


def replica(speculation: Speculation | None, shape: ModelShape = DENSE) -> Replica:
    """A replica of one device, with these drafts."""
    return replica_of(shape, BF16, Layout(), NODE, FACTORS, replace(LOAD, speculation=speculation))


@pytest.mark.parametrize(
    ("tokens", "acceptance", "made"), [(1, 0.5, 1.5), (4, 0.7, 2.7731), (7, 0.9, 5.6953), (3, 0.001, 1.001)]
)
def test_a_round_makes_what_the_paper_says(tokens: int, acceptance: float, made: float) -> None:
    """1 + a + a^2 + ... + a^k tokens: those accepted up to the first miss, and the model's own."""
    found = replace(N_GRAM, tokens=tokens, acceptance=acceptance).tokens_per_round
    assert found == pytest.approx(made, abs=1e-3)
    assert found == pytest.approx(sum(acceptance**power for power in range(tokens + 1)))


def test_copies_from_the_prompt_cost_one_wider_step() -> None:
    """A step that verifies four tokens a sequence reads what a plain one reads, over the tokens that it makes."""
    plain = float(replica(None).step_s(2, 2000))
    found = float(replica(N_GRAM).step_s(2, 2000))
    assert plain / N_GRAM.tokens_per_round <= found < 1.05 * plain / N_GRAM.tokens_per_round


def test_a_draft_takes_its_steps_one_after_another() -> None:
    """Four steps of the small model more than copies take, none of them scheduled by the engine."""
    small = float(replica(None, SMALL).step_s(2, 2000)) - FACTORS.step_s - 2 * FACTORS.sequence_s
    more = float(replica(DRAFTED).step_s(2, 2000) - replica(N_GRAM).step_s(2, 2000))
    assert more == pytest.approx(4 * small / DRAFTED.tokens_per_round)


def test_drafts_that_are_never_right_cost_more_than_none() -> None:
    """With hardly a token accepted a round makes one, and drafting is on top."""
    wrong = replace(DRAFTED, acceptance=1e-6)
    assert replica(wrong).step_s(2, 2000) > replica(None).step_s(2, 2000)


def test_a_crowded_step_gains_little() -> None:
    """Where products set the pace, verified rows cost what they would as steps of their own."""
    plain, drafted = (
        replica_of(DENSE, BF16, Layout(), NODE, SERVED, replace(LOAD, speculation=each)) for each in (None, N_GRAM)
    )
    few, many = (float(plain.step_s(n, 0) / drafted.step_s(n, 0)) for n in (1, 20_000))
    assert few > 2.5 and many < 1


def test_a_prompt_costs_its_work_once() -> None:
    """Beside decoding it takes what it adds to a round, alone all of a step; the draft reads it too."""
    prompt, pairs = 500.0, 500.0**2 / 2
    for drafts in (N_GRAM, DRAFTED):
        made = replica(drafts)
        beside = float(made.step_s(3, 3000, prompt, pairs) - made.step_s(3, 3000))
        alone = float(made.step_s(0, 0, prompt, pairs))
        assert 0 < beside < alone
    assert replica(DRAFTED).step_s(0, 0, prompt, pairs) > replica(N_GRAM).step_s(0, 0, prompt, pairs)
    assert replica(N_GRAM).step_s(0, 0, prompt, pairs) == pytest.approx(
        float(replica(None).step_s(0, 0, prompt, pairs))
    )


def test_a_first_token_waits_for_a_whole_round() -> None:
    """Who waits for a step with drafts waits for all of it, not for the part of one token."""
    made = replica(DRAFTED)
    per_token, whole = (float(made.step_s(3, 3000, undivided=flag)) for flag in (False, True))
    assert whole == pytest.approx(per_token * DRAFTED.tokens_per_round)


@pytest.mark.parametrize("tensor", [1, 2])
def test_a_draft_has_weights_and_a_cache(tensor: int) -> None:
    """Two bytes a parameter, and its own keys and values; copies from the prompt have neither."""
    layout = Layout(tensor=tensor)
    plain, copied, drafted, own = (
        replica_memory(DENSE, BF16, layout, NODE, FACTORS, replace(LOAD, speculation=each))
        for each in (None, N_GRAM, DRAFTED, OWN)
    )
    assert float(copied.draft) == 0 and float(copied.cache_per_token) == float(plain.cache_per_token)
    assert float(drafted.draft) == 2 * SMALL.parameters / tensor
    assert float(drafted.cache_per_token) == pytest.approx(float(plain.cache_per_token) * 9 / 8)
    assert float(own.draft) == pytest.approx((2 * SMALL.block_parameters + 4 * DENSE.hidden**2) / tensor)
    assert drafted.capacity_tokens < plain.capacity_tokens


def test_no_drafts_on_a_pipeline() -> None:
    """Nor where the draft's heads do not divide."""
    layouts = grid([Layout(), Layout(pipeline=2), Layout(tensor=8)])
    odd = replace(
        DRAFTED,
        draft=replace(SMALL, blocks=(replace(SMALL.blocks[0], attention=replace(SMALL.blocks[0].attention, heads=6)),)),
    )
    assert np.array_equal(np.asarray(N_GRAM.runs_on(layouts)), [True, False, True])
    assert np.array_equal(np.asarray(odd.runs_on(layouts)), [True, False, False])
