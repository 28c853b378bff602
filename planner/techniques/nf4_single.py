"""4-bit NormalFloat base weights whose scales stay in float32: QLoRA without double quantization."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# 64 weights share a 32-bit scale: half a bit a weight.
BLOCK = 64


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(4 + 32 / BLOCK) / 8,
        dequantizes=True,
        keeps_packed_inputs=True,
    )


TECHNIQUE = Technique(
    name="nf4-single",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit NormalFloat base, float32 scales",
    source="Dettmers et al. 2023, QLoRA, arXiv 2305.14314, section 3",
    unasked=False,
)
