"""Layers come from disk one at a time, embedding and head like blocks: memory follows the largest of them."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        weights_place=Place.DISK,
        streams_layers=True,
    )


TECHNIQUE = Technique(
    name="layer-streaming",
    group=Group.WEIGHTS_PLACE,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="one layer at a time from disk (AirLLM)",
    source="lyogavin/airllm README",
)
