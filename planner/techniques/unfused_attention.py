"""Attention product by product: scores and probabilities of all pairs of tokens are kept."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        score_share=1.0,
    )


TECHNIQUE = Technique(
    name="unfused-attention",
    group=Group.ATTENTION,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="keep attention scores of all pairs",
    source="Korthikanti et al. 2022, arXiv 2205.05198, section 4.1",
    unasked=False,
    excludes=frozenset({"context"}),
)
