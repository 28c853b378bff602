"""Which gradients does a device keep while micro-batches accumulate?"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.recipe import Adapter, Recipe
from planner.resident import Stage, resident
from planner.software import load_software
from planner.states import states
from pricing.records import replace
from tests.planner.builders import DENSE

SHARDED = Recipe(weights_sharded=True, gradients_sharded=True, optimizer_sharded=True, gradient_bytes=2.0)


def gradients(made: Recipe, micro_batches: int, software: str = "litgpt") -> float:
    """Bytes of gradients on each of 4 devices, a parameter of the model."""
    layout = Layout(data=4, micro_batches=micro_batches)
    held = resident(DENSE, layout, Stage.FIRST, made.adapter)
    return float(states(DENSE, made, layout, held, load_software()[software]).gradients / held.model)


@pytest.mark.parametrize(("micro_batches", "taken"), [(1, 2.0 / 4), (2, 2.0), (64, 2.0)])
def test_gradients_are_whole_until_they_are_reduced(micro_batches: int, taken: float) -> None:
    """Without a reduction between micro-batches a device keeps whole gradients; with one micro-batch, its share."""
    assert gradients(SHARDED, micro_batches) == pytest.approx(taken)
    assert gradients(SHARDED, micro_batches, "torchtitan") == pytest.approx(2.0 / 4)


def test_frozen_weights_have_gradients_in_flat_parameters() -> None:
    """LoRA under FSDP keeps room for the gradients of what is frozen too, unless that is packed integers."""
    adapting = replace(SHARDED, adapter=Adapter(rank=8), outer_weight_bytes=2.0)
    assert gradients(adapting, 1) < 0.01
    assert 2.0 < gradients(adapting, 64) < 2.05
    assert gradients(replace(adapting, dequantizes=True), 64) < 2.0
