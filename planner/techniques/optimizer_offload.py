"""Optimizer states and master weights live in host memory, and the step is done there."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_place=Place.HOST,
    )


TECHNIQUE = Technique(
    name="optimizer-offload",
    group=Group.OPTIMIZER_PLACE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="states and step on the host (ZeRO-Offload)",
    source="Ren et al. 2021, ZeRO-Offload, arXiv 2101.06840, section 4; DeepSpeed offload_optimizer",
    unasked=False,
    needs=(frozenset({"zero1", "zero2", "zero3"}),),
)
