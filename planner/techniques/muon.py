"""One float32 momentum per parameter of the blocks, made orthogonal before it is used; AdamW at both ends."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=4.0,
        outer_optimizer_bytes=8.0,
        orthogonalizes=True,
    )


TECHNIQUE = Technique(
    name="muon",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="one momentum in blocks, AdamW at the ends",
    source="Jordan et al. 2024, Muon; Liu et al. 2025, arXiv 2502.16982, section 2",
    unasked=False,
)
