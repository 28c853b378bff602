"""The KV cache in 8-bit integers with a float32 scale for each token and head."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# The head width of nearly all models that are served: a scale for 128 elements.
HEAD_WIDTH = 128


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        kv_bytes=1 + 4 / HEAD_WIDTH,
    )


TECHNIQUE = Technique(
    name="kv-int8",
    group=Group.KV_CACHE,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.QUANTIZED,
    apply=_apply,
    gist="8-bit integer KV cache",
    source="vLLM configuration, cache_dtype int8_per_token_head; LMDeploy documentation, KV cache quantization",
    unasked=False,
)
