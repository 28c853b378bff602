"""AdamW with two block-wise 4-bit moments."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# torchao keeps one float32 scale for each block of 128 4-bit moments.
BLOCK = 128


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=2 * (0.5 + 4 / BLOCK),
    )


TECHNIQUE = Technique(
    name="adamw-4bit",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="two 4-bit moments per trained parameter",
    source="Li et al. 2023, arXiv 2309.01507, section 3; torchao low_bit_optim",
    unasked=False,
)
