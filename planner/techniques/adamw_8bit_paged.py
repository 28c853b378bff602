"""AdamW whose 8-bit moments move to host memory, page by page, where the device has no room for them."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace

# bitsandbytes keeps one float32 scale for each block of 256 8-bit moments.
BLOCK = 256


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=2 * (1 + 4 / BLOCK),
        optimizer_place=Place.HOST,
        pages_optimizer=True,
    )


TECHNIQUE = Technique(
    name="adamw-8bit-paged",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="8-bit moments paged to host memory",
    source="Dettmers et al. 2021, arXiv 2110.02861; Dettmers et al. 2023, arXiv 2305.14314, section 3",
    unasked=False,
    excludes=frozenset({"fsdp-offload", "optimizer-offload", "optimizer-offload-nvme"}),
)
