"""bfloat16 matrix products and activations: what everything else is measured against."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="bf16",
    )


TECHNIQUE = Technique(
    name="bf16",
    group=Group.PRECISION,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="bfloat16 products and activations",
    source="Micikevicius et al. 2017, arXiv 1710.03740; Kalamkar et al. 2019, arXiv 1905.12322",
    baseline=True,
)
