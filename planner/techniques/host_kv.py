"""The KV cache lives in host memory; each block's part comes to the device for its turn."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        kv_place=Place.HOST,
    )


TECHNIQUE = Technique(
    name="host-kv",
    group=Group.CACHE_PLACE,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="KV cache in host memory",
    source="Sheng et al. 2023, FlexGen, arXiv 2303.06865, section 4",
)
