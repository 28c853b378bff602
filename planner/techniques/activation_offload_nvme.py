"""Kept activations go to local disks and come back a block ahead of the backward pass."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        activations_place=Place.DISK,
    )


TECHNIQUE = Technique(
    name="activation-offload-nvme",
    group=Group.ACTIVATIONS,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="keep activations on local disks",
    source="Wu et al. 2024, SSDTrain, arXiv 2408.10013; PyTorch tutorial on saved-tensor hooks",
    unasked=False,
)
