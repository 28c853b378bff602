"""Two small dense layers after attention and two after the MLP, the rest frozen."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, AdapterKind, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=replace(recipe.adapter or Adapter(), kind=AdapterKind.BOTTLENECK),
    )


TECHNIQUE = Technique(
    name="bottleneck-adapters",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train small layers between frozen ones",
    source="Houlsby et al. 2019, arXiv 1902.00751, section 2.1",
    unasked=False,
)
