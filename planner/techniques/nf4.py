"""4-bit NormalFloat base weights with double quantization: the base of QLoRA."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# QLoRA's block sizes: 64 weights share an 8-bit scale, 256 of those a 32-bit one: 0.127 bit a weight.
BLOCK = 64
SECOND_BLOCK = 256


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(4 + 8 / BLOCK + 32 / (BLOCK * SECOND_BLOCK)) / 8,
        dequantizes=True,
        keeps_packed_inputs=True,
    )


TECHNIQUE = Technique(
    name="nf4",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit NormalFloat base, double quantization",
    source="Dettmers et al. 2023, QLoRA, arXiv 2305.14314, section 3",
)
