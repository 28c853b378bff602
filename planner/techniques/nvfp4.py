"""4-bit float products with an 8-bit scale for every 16 elements (Blackwell); all else as under bf16."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="nvfp4",
    )


TECHNIQUE = Technique(
    name="nvfp4",
    group=Group.PRECISION,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit float products, a scale for 16",
    source="NVIDIA 2025, Pretraining Large Language Models with NVFP4, arXiv 2509.25149, section 2",
    unasked=False,
)
