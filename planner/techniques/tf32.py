"""float32 throughout with products of 19 bits: tensor cores round what they read, memory holds all 32."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        compute_dtype="tf32",
        activation_bytes=4.0,
        block_weight_bytes=4.0,
        outer_weight_bytes=4.0,
        gathered_weight_bytes=4.0,
        gradient_bytes=4.0,
        master_bytes=0.0,
    )


TECHNIQUE = Technique(
    name="tf32",
    group=Group.PRECISION,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="float32 throughout, tensor-core products",
    source="NVIDIA A100 architecture white paper, TF32; Transformers documentation, TrainingArguments.tf32",
    unasked=False,
)
