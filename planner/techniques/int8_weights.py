"""8-bit integer weights with one scale per row, unpacked on the fly."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# One 16-bit scale per matrix row; rows of the models planned here have 1,024 elements or more.
ROW = 1024


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=1.0 + 2.0 / ROW,
        dequantizes=True,
    )


TECHNIQUE = Technique(
    name="int8-weights",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="8-bit integer weights, 16-bit products",
    source="Dettmers et al. 2022, LLM.int8(), arXiv 2208.07339",
)
