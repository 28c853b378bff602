"""Stochastic gradient descent without momentum: no states at all."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=0.0,
    )


TECHNIQUE = Technique(
    name="sgd",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="no optimizer states",
    source="PyTorch documentation, torch.optim.SGD",
    unasked=False,
)
