"""4-bit float weights with 8 bits of scale for 16: NVFP4, and as large bitsandbytes' FP4 (32 bits for 64)."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# Elements that share an 8-bit scale.
BLOCK = 16


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(4 + 8 / BLOCK) / 8,
        dequantizes=True,
        keeps_packed_inputs=True,
    )


TECHNIQUE = Technique(
    name="fp4-weights",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit float weights, 16-bit products",
    source="NVIDIA 2025, arXiv 2509.25149, section 2; bitsandbytes documentation, 4-bit quantization",
    unasked=False,
)
