"""Tensor ranks share norms and residuals along the sequence. The default of all software with tensor parallelism."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        sequence_sharded=True,
    )


TECHNIQUE = Technique(
    name="sequence-parallel",
    group=Group.SEQUENCE,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="tensor ranks split norms too (the default)",
    source="Korthikanti et al. 2022, arXiv 2205.05198, section 4.2.2",
    unasked=False,
)
