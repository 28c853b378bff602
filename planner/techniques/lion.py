"""One float32 momentum per parameter; the update is its sign."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=4.0,
    )


TECHNIQUE = Technique(
    name="lion",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="one float32 momentum per parameter",
    source="Chen et al. 2023, Lion, arXiv 2302.06675, section 4",
    unasked=False,
)
