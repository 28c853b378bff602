"""The KV cache in 8-bit floating point."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        kv_bytes=1.0,
    )


TECHNIQUE = Technique(
    name="kv-fp8",
    group=Group.KV_CACHE,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="8-bit float KV cache",
    source="vLLM documentation, quantized KV cache",
)
