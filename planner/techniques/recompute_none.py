"""Every activation that the backward pass needs is kept."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Recompute, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        recompute=Recompute.NONE,
    )


TECHNIQUE = Technique(
    name="recompute-none",
    group=Group.RECOMPUTE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="keep every activation",
    source="Korthikanti et al. 2022, arXiv 2205.05198, section 4",
    baseline=True,
)
