"""4-bit weights in groups of 64 with a 16-bit minimum and scale, as FlexGen packs them while loading."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

GROUP = 64


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        block_weight_bytes=(4 + 2 * 16 / GROUP) / 8,
        dequantizes=True,
    )


TECHNIQUE = Technique(
    name="group-int4-weights",
    group=Group.BASE_WEIGHTS,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit weights in groups of 64 (FlexGen)",
    source="Sheng et al. 2023, FlexGen, arXiv 2303.06865, section 5",
)
