"""Fully sharded data parallel whose weights, gradients and states live in host memory, where the step is done too."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    # Sharded float32 weights are the master copy; where there is none, 16-bit training stays as narrow as it is.
    mastered = recipe.master_bytes > 0
    return replace(
        recipe,
        optimizer_sharded=True,
        gradients_sharded=True,
        weights_sharded=True,
        gathers_weights=True,
        block_weight_bytes=4.0 if mastered and recipe.adapter is None else recipe.block_weight_bytes,
        outer_weight_bytes=4.0 if mastered and recipe.adapter is None else recipe.outer_weight_bytes,
        gradient_bytes=4.0 if mastered else recipe.gradient_bytes,
        master_bytes=0.0,
        weights_place=Place.HOST,
        optimizer_place=Place.HOST,
    )


TECHNIQUE = Technique(
    name="fsdp-offload",
    group=Group.SHARDING,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="FSDP with all states in host memory",
    source="PyTorch fully_shard, CPUOffloadPolicy; Zhao et al. 2023, arXiv 2304.11277",
    unasked=False,
)
