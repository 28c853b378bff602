"""Does a stage keep the tokens that it is given, and those that an adapter adds?"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.recipe import Adapter, AdapterKind, Recipe, Recompute
from planner.resident import Stage
from planner.stage_activations import along_sequence, routed_bytes, stage_bytes, tokens_of
from pricing.records import replace
from tests.planner.builders import DENSE, MIXED, framework

MEGATRON = framework()


def kept(recipe: Recipe, layout: Layout, tokens: int = 1024) -> float:
    """Bytes that the first stage keeps in its blocks."""
    return float(stage_bytes(DENSE, recipe, layout, tokens, MEGATRON, Stage.FIRST)[0])


def test_a_trained_prompt_is_part_of_every_sequence() -> None:
    """Twenty trained tokens in front make a sequence of 1,000 as long as one of 1,020."""
    prompt = Recipe(adapter=Adapter(kind=AdapterKind.PROMPT, tokens=20))
    assert tokens_of(prompt, Layout(micro_batch=3), 1000) == 3 * 1020
    assert tokens_of(Recipe(), Layout(micro_batch=3, context=2), 1000) == 1500


def test_a_prefix_is_copied_for_each_sequence() -> None:
    """Keys and values of a prefix stand in front of each block's own, once a sequence."""
    prefix = Recipe(adapter=Adapter(kind=AdapterKind.PREFIX, tokens=50))
    bare = Recipe(adapter=Adapter(kind=AdapterKind.BIAS))
    for sequences in (1, 4):
        layout = Layout(micro_batch=sequences)
        added = kept(prefix, layout) - kept(bare, layout)
        assert added == pytest.approx(sequences * 50 * 2 * (2 * 64) * 2 * DENSE.layers)


def test_without_sequence_parallelism_norms_stay_whole() -> None:
    """Korthikanti's 10 + 24 / t against 34 / t: tensor ranks divide less where the sequence stays whole."""
    split, whole = Recipe(), Recipe(sequence_sharded=False)
    layout = Layout(tensor=8)
    assert along_sequence(split, layout, MEGATRON) == 8
    assert along_sequence(whole, layout, MEGATRON) == 1
    alone = kept(split, Layout())
    assert kept(split, layout) == pytest.approx(alone / 8)
    norms_and_entries = 1024 * DENSE.layers * DENSE.hidden * (2 * 2 + 2 * 2)
    assert kept(whole, layout) == pytest.approx(norms_and_entries + (alone - norms_and_entries) / 8)


def test_frozen_blocks_keep_nothing() -> None:
    """With a quarter of the blocks trained, those nearest to the output, only they keep activations."""
    half = Recipe(trained_share=0.25)
    assert kept(half, Layout()) == pytest.approx(kept(Recipe(), Layout()) / 4)
    piped = Layout(pipeline=4, micro_batches=4)
    assert kept(half, piped) == 0
    last = stage_bytes(DENSE, half, piped, 1024, MEGATRON, Stage.LAST)[0]
    assert float(last) == float(
        stage_bytes(DENSE, replace(half, trained_share=1.0), piped, 1024, MEGATRON, Stage.LAST)[0]
    )


def test_copies_for_experts_are_kept_unless_they_are_made_again() -> None:
    """All blocks of a mixture keep two copies of a row and two answers for each token; recompute routes again."""

    def routed(recompute: Recompute) -> float:
        made = Recipe(recompute=recompute)
        return float(routed_bytes(MIXED, made, Layout(), 1024, MEGATRON, Stage.FIRST, load=1.0))

    rows = 1024 * MIXED.layers * 2 * 2 * MIXED.hidden * 2
    assert rows < routed(Recompute.NONE) < 1.2 * rows
    assert routed(Recompute.FULL) == routed(Recompute.SELECTIVE) == 0
