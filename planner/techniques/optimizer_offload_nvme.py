"""Optimizer states and master weights live on local disks and pass through the host, where the step is done."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_place=Place.DISK,
    )


TECHNIQUE = Technique(
    name="optimizer-offload-nvme",
    group=Group.OPTIMIZER_PLACE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="states on local disks (ZeRO-Infinity)",
    source="Rajbhandari et al. 2021, ZeRO-Infinity, arXiv 2104.07857, section 5; DeepSpeed offload_optimizer",
    unasked=False,
    needs=(frozenset({"zero3"}),),
)
