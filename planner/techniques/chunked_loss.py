"""The loss in chunks of the sequence: only one chunk's float32 logits are there at a time."""

from __future__ import annotations

from planner.recipe import Accuracy, Group, Job, Recipe, Technique
from pricing.records import replace

# torchtune's default (CEWithChunkedOutputLoss).
CHUNKS = 8


def _apply(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        loss_chunks=CHUNKS,
    )


TECHNIQUE = Technique(
    name="chunked-loss",
    group=Group.LOSS,
    jobs=frozenset({Job.TRAINING}),
    accuracy=Accuracy.EXACT,
    apply=_apply,
    gist="cross-entropy in 8 chunks of the sequence",
    source="torchtune, modules/loss/ce_chunked_output_loss.py; Hsu et al. 2024, arXiv 2410.10989",
    unasked=False,
)
