"""Matrix products are kept every second time and attention always; the rest is computed again."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Recompute, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        recompute=Recompute.SELECTIVE,
    )


TECHNIQUE = Technique(
    name="recompute-selective",
    group=Group.RECOMPUTE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="recompute the cheap half of each block",
    source="PyTorch torchtitan, per-op selective activation checkpointing",
)
