"""4-bit NormalFloat weights in serving, unpacked before each product; as large as QLoRA's base."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# 64 weights share an 8-bit scale, 256 of those a 32-bit one: 0.127 bit a weight.
BLOCK = 64
SECOND_BLOCK = 256


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(4 + 8 / BLOCK + 32 / (BLOCK * SECOND_BLOCK)) / 8,
        dequantizes=True,
    )


TECHNIQUE = Technique(
    name="nf4-weights",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit NormalFloat weights, 16-bit products",
    source="Dettmers et al. 2023, arXiv 2305.14314, section 3; vLLM documentation, BitsAndBytes",
    unasked=False,
    untimed=frozenset({Job.INFERENCE}),
)
