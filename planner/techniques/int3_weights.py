"""3-bit integer weights in groups of 128 with a 16-bit scale and a 3-bit zero point."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# The group size that published checkpoints have: a 16-bit scale and a 3-bit zero point for 128 weights.
GROUP = 128


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(3 + (16 + 3) / GROUP) / 8,
        dequantizes=True,
    )


TECHNIQUE = Technique(
    name="int3-weights",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="3-bit integer weights, 16-bit products",
    source="Frantar et al. 2022, GPTQ, arXiv 2210.17323, section 4; Kim et al. 2023, arXiv 2305.14152",
    unasked=False,
    untimed=frozenset({Job.INFERENCE}),
)
