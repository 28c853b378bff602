"""Full precision throughout: no master copy is needed, and every activation takes four bytes."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="fp32",
        activation_bytes=4.0,
        block_weight_bytes=4.0,
        outer_weight_bytes=4.0,
        gathered_weight_bytes=4.0,
        gradient_bytes=4.0,
        master_bytes=0.0,
        kv_bytes=4.0,
    )


TECHNIQUE = Technique(
    name="fp32",
    group=Group.PRECISION,
    jobs=frozenset({Job.TRAINING, Job.INFERENCE}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="float32 throughout, no master copy",
    source="Micikevicius et al. 2017, arXiv 1710.03740, section 3",
    unasked=False,
)
