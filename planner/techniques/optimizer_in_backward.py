"""The optimizer steps each parameter in the backward pass: a gradient lives until it is used."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        step_in_backward=True,
    )


TECHNIQUE = Technique(
    name="optimizer-in-backward",
    group=Group.STEP,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="use up each gradient where it arises",
    source="PyTorch tutorials, optimizer step in backward; Lv et al. 2023, LOMO, arXiv 2306.09782",
    unasked=False,
    # A gradient is gone before a second micro-batch could add to it.
    excludes=frozenset({"micro_batches", "optimizer-offload", "optimizer-offload-nvme"}),
)
