"""Only the scales of packed integer weights are trained: sub-4-bit models stay packed."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, AdapterKind, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=replace(recipe.adapter or Adapter(), kind=AdapterKind.GROUP_SCALE),
    )


TECHNIQUE = Technique(
    name="peqa",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train the scales of packed weights",
    source="Kim et al. 2023, PEQA, arXiv 2305.14152, section 3",
    unasked=False,
    needs=(frozenset({"int3-weights", "int4-weights"}),),
)
