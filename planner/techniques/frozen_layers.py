"""Only the blocks nearest to the output are trained, and the head: those below keep nothing for a backward pass."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# A quarter of the blocks reaches nine tenths of the quality in the paper's runs.
SHARE = 0.25


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        trained_share=recipe.trained_share if recipe.trained_share < 1 else SHARE,
    )


TECHNIQUE = Technique(
    name="frozen-layers",
    group=Group.TRAINED_LAYERS,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.ADAPTER,
    apply=_apply,
    gist="train the last blocks, freeze the others",
    source="Lee et al. 2019, What Would Elsa Do?, arXiv 1911.03090, section 3",
    unasked=False,
    excludes=frozenset({"adapter"}),
)
