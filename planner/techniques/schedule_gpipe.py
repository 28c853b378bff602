"""All forward passes, then all backward passes: a stage holds every micro-batch."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Schedule, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        schedule=Schedule.GPIPE,
    )


TECHNIQUE = Technique(
    name="schedule-gpipe",
    group=Group.SCHEDULE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="GPipe pipeline: forwards, then backwards",
    source="Huang et al. 2018, GPipe, arXiv 1811.06965, section 2.3",
    unasked=False,
    excludes=frozenset({"virtual"}),
)
