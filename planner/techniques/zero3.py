"""ZeRO-2, and the 16-bit weights too, gathered block by block before use."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_sharded=True,
        gradients_sharded=True,
        weights_sharded=True,
        gathers_weights=True,
    )


TECHNIQUE = Technique(
    name="zero3",
    group=Group.SHARDING,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="shard states, gradients and weights",
    source="Rajbhandari et al. 2019, ZeRO, arXiv 1910.02054, section 5",
)
