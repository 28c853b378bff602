"""Trained factors on keys, values and the inner rows of MLPs."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, AdapterKind, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=replace(recipe.adapter or Adapter(), kind=AdapterKind.SCALE),
    )


TECHNIQUE = Technique(
    name="ia3",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train factors on keys, values, inner rows",
    source="Liu et al. 2022, IA3, arXiv 2205.05638, section 3.3",
    unasked=False,
)
