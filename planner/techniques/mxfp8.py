"""8-bit float products with an 8-bit scale for every 32 elements (Blackwell, Trainium3); all else as under bf16."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="mxfp8",
    )


TECHNIQUE = Technique(
    name="mxfp8",
    group=Group.PRECISION,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="8-bit float products, a scale for 32",
    source="OCP Microscaling Formats 1.0; Rouhani et al. 2023, arXiv 2310.10537; Mishra et al. 2025, arXiv 2506.08027",
    unasked=False,
)
