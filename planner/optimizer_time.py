"""How long does the device work on an optimizer's step?

Every state is read and written, the gradient read, the weight written. GaLore projects each gradient to a low rank and
its step back, and finds the projection anew every so many steps (Zhao et al. 2024, arXiv 2403.03507, section 4); Muon
makes each momentum orthogonal by five Newton-Schulz iterations (Jordan et al. 2024; Liu et al. 2025, arXiv 2502.16982,
section 2). Neither was published with the time of a step: what is counted is their papers' arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from planner.adapters import matrices
from planner.communication import Fabric
from planner.recipe import Place
from planner.resident import Resident, layers_per_stage
from planner.setting import Setting
from planner.training_traffic import data_ranks

# Steps between two projections (update_proj_gap of galore_torch's examples and of Transformers' galore_adamw).
PROJECTED_EVERY = 200
# A thin singular value decomposition of m x n takes 6 m^2 n + 20 m^3 FLOP for m at most n (Golub and Van Loan, Matrix
# Computations, table 8.6.1), in float32. Its reflections and rotations leave matrix units idle: of the float32 peak a
# GPU reaches a few hundredths. Assumed; no source with a figure was found.
DECOMPOSED_SHARE = 0.03
# An iteration makes X X^T, its square, and the product of both with X: 4 m^2 n + 2 m^3 FLOP, in 16 bits.
NEWTON_SCHULZ = 5
# Momenta travel in 16 bits to where they are made orthogonal.
MOMENTUM_BYTES = 2


def trained_parameters(setting: Setting, held: Resident) -> Any:
    """Parameters that the optimizer of one device steps."""
    recipe, layout = setting.recipe, setting.layout
    # Of a model that is frozen layer by layer the head is trained, the embedding is not.
    outer = held.outer if recipe.trained_share == 1.0 else held.head
    trained = held.adapter if recipe.adapter else setting.trained * held.dense + outer
    experts = 0.0 if recipe.adapter else setting.trained * held.experts
    if recipe.optimizer_sharded:
        # Experts have data ranks of their own, fewer by the expert degree.
        trained = trained / data_ranks(layout)
        experts = experts / np.maximum(data_ranks(layout) // layout.expert, 1)
    return trained + experts


def optimizer_s(setting: Setting, trained: Any, net: Fabric) -> Any:
    """Seconds of the step for `trained` parameters of a device; nothing where it is done elsewhere."""
    recipe = setting.recipe
    if recipe.optimizer_place is not Place.DEVICE and not recipe.pages_optimizer:
        return 0.0 * trained
    touched = 2 * (recipe.master_bytes + recipe.optimizer_bytes) + recipe.gradient_bytes + recipe.outer_weight_bytes
    seconds = trained * touched / setting.memory_rate
    if recipe.projected_rank:
        seconds = seconds + _over_matrices(setting, _projected_s(setting))
    if recipe.orthogonalizes:
        seconds = seconds + _orthogonal_s(setting, trained, net)
    return seconds


def _over_matrices(setting: Setting, each: Callable[[int, int], Any]) -> Any:
    """The sum over all matrices of a device's blocks, each whole, of what one of `shorter` x `longer` takes."""
    shape, layout = setting.shape, setting.layout
    part = setting.trained * layers_per_stage(shape, layout) / shape.layers
    seconds: Any = 0.0
    for run in shape.blocks:
        for count, inputs, outputs in matrices(run, shape.hidden):
            expert = bool(run.mlp.experts) and count >= run.mlp.experts
            held = count / layout.expert if expert else count
            seconds = seconds + run.count * held * each(min(inputs, outputs), max(inputs, outputs))
    return part * seconds


def _projected_s(setting: Setting) -> Callable[[int, int], Any]:
    """Of a matrix: two products with the projection each step, and its share of a decomposition."""
    rank = setting.recipe.projected_rank

    def each(shorter: int, longer: int) -> Any:
        if rank >= shorter:
            return 0.0
        products = 4.0 * rank * shorter * longer / setting.matrix_rate(setting.outer_dtype, rank * longer, shorter)
        decomposed = 6.0 * shorter**2 * longer + 20.0 * shorter**3
        return products + decomposed / (DECOMPOSED_SHARE * setting.peak("fp32")) / PROJECTED_EVERY

    return each


def _orthogonal_s(setting: Setting, trained: Any, net: Fabric) -> Any:
    """Seconds of Newton-Schulz iterations on whole matrices, as each tensor rank repeats them (Megatron-Core's
    muon_tp_mode "duplicated"), and of bringing shards together first and the result back.

    Where states are sharded each data rank does its part of the matrices (Megatron-Core's dist_muon).
    """
    layout, sharded = setting.layout, setting.recipe.optimizer_sharded

    def each(shorter: int, longer: int) -> Any:
        flop = NEWTON_SCHULZ * (4.0 * shorter**2 * longer + 2.0 * shorter**3)
        return flop / setting.matrix_rate(setting.outer_dtype, shorter**2, shorter)

    ranks = data_ranks(layout) if sharded else 1
    size = trained * layout.tensor * MOMENTUM_BYTES
    together = net.gather_s(size, layout.tensor, 1)
    if sharded and setting.recipe.weights_sharded:
        # Shards of FSDP cut through matrices: they are exchanged among data ranks, there and back.
        together = together + 2 * net.exchange_s(trained * MOMENTUM_BYTES, ranks, layout.tensor)
    return _over_matrices(setting, each) / ranks + together
