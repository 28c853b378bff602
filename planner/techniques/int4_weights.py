"""4-bit integer weights in groups of 128 with a 16-bit scale and a 4-bit zero point."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# The group size that GPTQ and AWQ checkpoints are published with.
GROUP = 128


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(4 + (16 + 4) / GROUP) / 8,
        dequantizes=True,
    )


TECHNIQUE = Technique(
    name="int4-weights",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit integer weights, 16-bit products",
    source="Frantar et al. 2022, GPTQ, arXiv 2210.17323; Lin et al. 2023, AWQ, arXiv 2306.00978",
)
