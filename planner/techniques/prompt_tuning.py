"""Trained embeddings in front of the prompt: the fewest parameters of all."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, AdapterKind, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=replace(recipe.adapter or Adapter(), kind=AdapterKind.PROMPT),
    )


TECHNIQUE = Technique(
    name="prompt-tuning",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train embeddings before the prompt's",
    source="Lester et al. 2021, arXiv 2104.08691, section 2",
    unasked=False,
)
