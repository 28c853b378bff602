"""The 16-bit weights of ZeRO-3 live in host memory and are gathered from there."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        weights_place=Place.HOST,
    )


TECHNIQUE = Technique(
    name="weights-offload",
    group=Group.WEIGHTS_PLACE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="weights in host memory, gathered for use",
    source="Rajbhandari et al. 2021, ZeRO-Infinity, arXiv 2104.07857, section 5; DeepSpeed offload_param",
    unasked=False,
    needs=(
        frozenset({"zero3"}),
        frozenset({"optimizer-offload", "optimizer-offload-nvme"}),
    ),
)
