"""AdamW with two block-wise 8-bit moments."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# bitsandbytes keeps one float32 scale for each block of 256 8-bit moments.
BLOCK = 256


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=2 * (1 + 4 / BLOCK),
    )


TECHNIQUE = Technique(
    name="adamw-8bit",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="two 8-bit moments per trained parameter",
    source="Dettmers et al. 2021, arXiv 2110.02861, section 2",
)
