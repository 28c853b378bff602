"""A row and a column of second moments for each matrix, and no first moment."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=0.0,
        factored=True,
    )


TECHNIQUE = Technique(
    name="adafactor",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="a row and a column of moments per matrix",
    source="Shazeer and Stern 2018, Adafactor, arXiv 1804.04235, sections 3 and 9",
    unasked=False,
)
