"""Attention in tiles: no scores are kept, one number a head and token instead. The default of all software here."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        score_share=0.0,
    )


TECHNIQUE = Technique(
    name="flash-attention",
    group=Group.ATTENTION,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="keep no attention scores (the default)",
    source="Dao et al. 2022, FlashAttention, arXiv 2205.14135, section 3",
    unasked=False,
)
