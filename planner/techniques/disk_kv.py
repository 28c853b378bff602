"""The KV cache lives on local disks; each block's part comes to the device for its turn."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Place, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        kv_place=Place.DISK,
    )


TECHNIQUE = Technique(
    name="disk-kv",
    group=Group.CACHE_PLACE,
    jobs=frozenset({Job.INFERENCE}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="KV cache on local disks",
    source="Sheng et al. 2023, FlexGen, arXiv 2303.06865, section 4",
)
