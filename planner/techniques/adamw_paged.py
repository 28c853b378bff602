"""AdamW whose float32 moments move to host memory, page by page, where the device has no room for them."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=8.0,
        optimizer_place=Place.HOST,
        pages_optimizer=True,
    )


TECHNIQUE = Technique(
    name="adamw-paged",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="float32 moments paged to host memory",
    source="Dettmers et al. 2023, QLoRA, arXiv 2305.14314, section 3; bitsandbytes documentation",
    unasked=False,
    excludes=frozenset({"fsdp-offload", "optimizer-offload", "optimizer-offload-nvme"}),
)
