"""Low-rank adapters on a frozen base: only the adapters have gradients and optimizer states."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=recipe.adapter or Adapter(),
    )


TECHNIQUE = Technique(
    name="lora",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train low-rank adapters, freeze the rest",
    source="Hu et al. 2021, LoRA, arXiv 2106.09685",
)
