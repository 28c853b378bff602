"""How much host memory and local disk does a training step ask for?

What a recipe keeps elsewhere is what the device would hold of it, shared among the same ranks: weights in their own
type, master weights and moments, the float32 gradient that a step on the host works with, activations in flight.
DeepSpeed's own estimate is 16 bytes a parameter for states and 18 with weights, and half as much again for buffers
(runtime/zero/stage3.py, estimate_zero3_model_states_mem_needs); ZeRO-Infinity (Rajbhandari et al. 2021,
arXiv 2104.07857, section 5) keeps the same on disk, with buffers of one block on the host.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.framework import Framework
from planner.in_flight import trained_share
from planner.layout import AnyLayout
from planner.recipe import Place, Recipe
from planner.resident import Stage, resident
from planner.shape import ModelShape
from planner.stage_activations import routed_bytes, stage_bytes
from planner.states import largest_block, states
from pricing.records import replace

# Pinned buffers beside what is kept: DeepSpeed's additional_buffer_factor.
HOST_BUFFERS = 1.5
# The optimizer on the host works on float32 gradients (DeepSpeed's CPU Adam, FSDP's gradients of float32 weights).
HOST_GRADIENT_BYTES = 4
# What lives on disk passes through the host in buffers: one each for weight, gradient and both moments of a block.
DISK_BUFFERS = 4


class Elsewhere(Struct, frozen=True, kw_only=True):
    """Bytes that one device keeps in its node's memory and on its node's disks; numbers, or one per layout."""

    host: Any
    disk: Any


def keeps_elsewhere(recipe: Recipe) -> bool:
    """Whether a training step keeps anything off the device."""
    return {recipe.weights_place, recipe.optimizer_place, recipe.activations_place} != {Place.DEVICE}


def training_elsewhere(
    shape: ModelShape, recipe: Recipe, layout: AnyLayout, sequence_tokens: int, framework: Framework
) -> Elsewhere:
    """What the worst device keeps elsewhere, over the first and the last stage."""
    each = [_stage_elsewhere(shape, recipe, layout, sequence_tokens, framework, stage) for stage in Stage]
    return Elsewhere(host=np.maximum(*(found.host for found in each)), disk=np.maximum(*(found.disk for found in each)))


def _stage_elsewhere(
    shape: ModelShape,
    recipe: Recipe,
    layout: AnyLayout,
    sequence_tokens: int,
    framework: Framework,
    stage: Stage,
) -> Elsewhere:
    software = framework.software
    held = resident(shape, layout, stage, recipe.adapter, software.stepping.ends_as_blocks)
    trained = trained_share(shape, recipe, layout, stage, software.stepping)
    here = replace(
        recipe,
        weights_place=Place.DEVICE,
        optimizer_place=Place.DEVICE,
        pages_optimizer=False,
        # A step elsewhere takes the gradients of its own shard alone.
        gradients_sharded=recipe.optimizer_sharded,
    )
    kept, left = (states(shape, each, layout, held, software, trained) for each in (here, recipe))
    moved = {
        "weights": kept.all_weights - left.all_weights,
        "optimizer": kept.all_states - left.all_states + _host_gradients(recipe, framework, kept.gradients),
        # Over the devices of a node experts' rows are the mean.
        "activations": sum(stage_bytes(shape, recipe, layout, sequence_tokens, framework, stage))
        + routed_bytes(shape, recipe, layout, sequence_tokens, framework, stage, load=1.0),
    }
    places = {
        "weights": recipe.weights_place,
        "optimizer": recipe.optimizer_place,
        "activations": recipe.activations_place,
    }
    on = {place: sum(moved[name] for name in moved if places[name] is place) for place in Place}
    buffers = DISK_BUFFERS * largest_block(shape, layout) * HOST_GRADIENT_BYTES * (Place.DISK in places.values())
    nothing = 0.0 * largest_block(shape, layout)
    return Elsewhere(host=HOST_BUFFERS * on[Place.HOST] + buffers + nothing, disk=on[Place.DISK] + nothing)


def _host_gradients(recipe: Recipe, framework: Framework, gradients: Any) -> Any:
    """Bytes of the gradients that a step elsewhere works with, but for a copy that is among the states already.

    Pages come to the device's own gradients.
    """
    if recipe.optimizer_place is Place.DEVICE or recipe.pages_optimizer:
        return 0.0 * gradients
    software = framework.software
    copied = software.stepping.shard_bytes * (recipe.optimizer_sharded and recipe.adapter is None)
    element = software.adapting.gradient_bytes if recipe.adapter else recipe.gradient_bytes
    return gradients * max(HOST_GRADIENT_BYTES - copied, 0.0) / element
