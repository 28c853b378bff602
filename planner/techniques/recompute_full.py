"""Only each block's input is kept; the block is computed again in the backward pass."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Recompute, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        recompute=Recompute.FULL,
    )


TECHNIQUE = Technique(
    name="recompute-full",
    group=Group.RECOMPUTE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="keep block inputs only, recompute the rest",
    source="Chen et al. 2016, arXiv 1604.06174; Korthikanti et al. 2022, arXiv 2205.05198",
)
