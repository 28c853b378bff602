"""Low-rank adapters that turn each weight, and a trained length of every output."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, AdapterKind, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=replace(recipe.adapter or Adapter(), kind=AdapterKind.DORA),
    )


TECHNIQUE = Technique(
    name="dora",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="low-rank adapters and trained magnitudes",
    source="Liu et al. 2024, DoRA, arXiv 2402.09353, section 4",
    unasked=False,
)
