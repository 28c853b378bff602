"""ZeRO-1, and gradients too."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_sharded=True,
        gradients_sharded=True,
    )


TECHNIQUE = Technique(
    name="zero2",
    group=Group.SHARDING,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="shard optimizer states and gradients",
    source="Rajbhandari et al. 2019, ZeRO, arXiv 1910.02054, section 5",
)
