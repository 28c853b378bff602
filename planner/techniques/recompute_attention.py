"""Attention scores are computed again; flash attention does so by itself."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Recompute, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        recompute=Recompute.ATTENTION,
    )


TECHNIQUE = Technique(
    name="recompute-attention",
    group=Group.RECOMPUTE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="recompute attention scores alone",
    source="Korthikanti et al. 2022, selective recomputation, arXiv 2205.05198, section 5",
    unasked=False,
)
