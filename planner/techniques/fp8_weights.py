"""8-bit floating-point weights and products in serving; embeddings and head stay 16-bit."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="fp8",
        block_weight_bytes=1.0,
    )


TECHNIQUE = Technique(
    name="fp8-weights",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="8-bit float weights and products",
    source="Micikevicius et al. 2022, arXiv 2209.05433",
)
