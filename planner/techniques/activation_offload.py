"""Kept activations go to host memory and come back a block ahead of the backward pass."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        activations_place=Place.HOST,
    )


TECHNIQUE = Technique(
    name="activation-offload",
    group=Group.ACTIVATIONS,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="keep activations in host memory",
    source="PyTorch, torch.autograd.graph.save_on_cpu; torchtune training/_activation_offloading.py",
    unasked=False,
    # Software moves blocks' inputs, and torchtune's manual advises against moving more.
    needs=(frozenset({"recompute-full"}),),
)
