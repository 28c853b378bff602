"""Tensor parallelism alone: every tensor rank keeps norms and residuals of the whole sequence."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        sequence_sharded=False,
    )


TECHNIQUE = Technique(
    name="replicated-sequence",
    group=Group.SEQUENCE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="each tensor rank keeps norms whole",
    source="Shoeybi et al. 2019, arXiv 1909.08053; Korthikanti et al. 2022, arXiv 2205.05198, section 4.2.1",
    unasked=False,
)
