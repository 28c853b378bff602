"""AdamW with two block-wise moments in 8-bit floating point."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# torchao keeps one float32 scale for each block of 256 8-bit moments.
BLOCK = 256


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=2 * (1 + 4 / BLOCK),
    )


TECHNIQUE = Technique(
    name="adamw-fp8",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="two 8-bit float moments per parameter",
    source="torchao low_bit_optim, AdamWFp8; Peng et al. 2023, FP8-LM, arXiv 2310.18313",
    unasked=False,
)
