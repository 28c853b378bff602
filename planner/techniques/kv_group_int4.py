"""The KV cache in 4 bits, in groups of 64 with a 16-bit minimum and scale."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

GROUP = 64


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        kv_bytes=(4 + 2 * 16 / GROUP) / 8,
    )


TECHNIQUE = Technique(
    name="kv-group-int4",
    group=Group.KV_CACHE,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="4-bit KV cache in groups of 64 (FlexGen)",
    source="Sheng et al. 2023, FlexGen, arXiv 2303.06865, section 5",
)
