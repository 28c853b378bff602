"""Only the model's biases are trained: their gradients need no activations of frozen products."""

from __future__ import annotations

from planner.recipe import Accuracy, Adapter, AdapterKind, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        adapter=replace(recipe.adapter or Adapter(), kind=AdapterKind.BIAS),
    )


TECHNIQUE = Technique(
    name="bitfit",
    group=Group.ADAPTER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train biases alone",
    source="Ben Zaken et al. 2021, BitFit, arXiv 2106.10199, section 2",
    unasked=False,
)
