"""Trained keys and values in front of each block's own."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, AdapterKind, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=replace(recipe.adapter or Adapter(), kind=AdapterKind.PREFIX),
    )


TECHNIQUE = Technique(
    name="prefix-tuning",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train keys and values before the prompt's",
    source="Li and Liang 2021, arXiv 2101.00190, section 4; PEFT peft_model.py: not with checkpointing",
    unasked=False,
    excludes=frozenset({"recompute-full", "recompute-selective"}),
)
