"""Optimizer states and master weights are divided over the data-parallel ranks."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_sharded=True,
    )


TECHNIQUE = Technique(
    name="zero1",
    group=Group.SHARDING,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="shard optimizer states over data ranks",
    source="Rajbhandari et al. 2019, ZeRO, arXiv 1910.02054, section 5",
)
