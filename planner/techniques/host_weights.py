"""Weights live in host memory; each block comes to the device a block ahead of its turn."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        weights_place=Place.HOST,
    )


TECHNIQUE = Technique(
    name="host-weights",
    group=Group.WEIGHTS_PLACE,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="weights in host memory, streamed in",
    source="Sheng et al. 2023, FlexGen, arXiv 2303.06865, section 4",
)
