"""AdamW on gradients projected to a low rank: moments are as narrow as the rank, weights are trained whole."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# The rank of Transformers' galore_adamw where its arguments name none.
RANK = 128


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=8.0,
        projected_rank=recipe.projected_rank or RANK,
    )


TECHNIQUE = Technique(
    name="galore",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="moments of gradients projected to rank 128",
    source="Zhao et al. 2024, GaLore, arXiv 2403.03507, section 4",
    unasked=False,
    excludes=frozenset({"adapter", "fsdp", "fsdp-no-reshard", "fsdp-offload", "zero1", "zero2", "zero3"}),
)
