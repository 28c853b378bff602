"""4-bit integer weights rounded column by column, each column making up for the error of those before it."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# The group size that published checkpoints have: a 16-bit scale and a 4-bit zero point for 128 weights.
GROUP = 128


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(4 + (16 + 4) / GROUP) / 8,
        dequantizes=True,
    )


TECHNIQUE = Technique(
    name="gptq",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit integer weights, rounded by GPTQ",
    source="Frantar et al. 2022, GPTQ, arXiv 2210.17323, section 4",
    unasked=False,
)
