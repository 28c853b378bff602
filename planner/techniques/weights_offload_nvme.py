"""The 16-bit weights of ZeRO-3 live on local disks and are gathered from there."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        weights_place=Place.DISK,
    )


TECHNIQUE = Technique(
    name="weights-offload-nvme",
    group=Group.WEIGHTS_PLACE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="weights on local disks, gathered for use",
    source="Rajbhandari et al. 2021, ZeRO-Infinity, arXiv 2104.07857, section 5; DeepSpeed offload_param",
    unasked=False,
    needs=(
        frozenset({"zero3"}),
        frozenset({"optimizer-offload", "optimizer-offload-nvme"}),
    ),
)
