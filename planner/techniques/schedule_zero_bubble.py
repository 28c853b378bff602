"""Backward passes of inputs, then of weights, which fill the bubble: every stage holds as much as the first."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Schedule, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        schedule=Schedule.ZERO_BUBBLE,
    )


TECHNIQUE = Technique(
    name="schedule-zero-bubble",
    group=Group.SCHEDULE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="zero-bubble pipeline (ZB-H1)",
    source="Qi et al. 2023, Zero Bubble Pipeline Parallelism, arXiv 2401.10241, section 2",
    unasked=False,
    excludes=frozenset({"virtual"}),
)
