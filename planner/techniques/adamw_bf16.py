"""AdamW with two 16-bit moments, as torch.optim keeps them for 16-bit weights."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        optimizer_bytes=4.0,
    )


TECHNIQUE = Technique(
    name="adamw-bf16",
    group=Group.OPTIMIZER,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.APPROXIMATE,
    apply=_apply,
    gist="two bf16 moments per trained parameter",
    source="PyTorch, torch.optim.AdamW: states have the type of their parameter",
    unasked=False,
)
