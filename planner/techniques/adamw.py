"""AdamW with two float32 moments."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=8.0,
    )


TECHNIQUE = Technique(
    name="adamw",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="two float32 moments per trained parameter",
    source="Loshchilov and Hutter 2017, arXiv 1711.05101",
    baseline=True,
)
