"""Head and cross-entropy in one kernel, a few rows at a time: logits are never whole."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        loss_fuses_head=True,
    )


TECHNIQUE = Technique(
    name="fused-loss",
    group=Group.LOSS,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="head and cross-entropy in one kernel",
    source="Hsu et al. 2024, Liger Kernel, arXiv 2410.10989, section 3.2",
    unasked=False,
)
