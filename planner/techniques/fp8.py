"""8-bit floating-point matrix products in training; states stay as they are.

Copies of weights in 8 bits, and inputs kept so, are the software's (planner/data/software, products).
"""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="fp8",
    )


TECHNIQUE = Technique(
    name="fp8",
    group=Group.PRECISION,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="8-bit float products, 16-bit everything else",
    source="Micikevicius et al. 2022, arXiv 2209.05433; NVIDIA Transformer Engine user guide",
)
