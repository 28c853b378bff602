"""One forward, one backward: a stage holds as many micro-batches as stages are behind it. The default."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Schedule, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        schedule=Schedule.ONE_F_ONE_B,
    )


TECHNIQUE = Technique(
    name="schedule-1f1b",
    group=Group.SCHEDULE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="1F1B pipeline (the default)",
    source="Narayanan et al. 2021, arXiv 2104.04473, section 2.2",
    unasked=False,
)
