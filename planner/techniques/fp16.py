"""float16 products and activations with loss scaling, for accelerators that have no bfloat16."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="fp16",
    )


TECHNIQUE = Technique(
    name="fp16",
    group=Group.PRECISION,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="float16 products with loss scaling",
    source="Micikevicius et al. 2017, arXiv 1710.03740",
    baseline=True,
)
