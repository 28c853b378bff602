"""How far may a planned run's time lie from its prediction?

The band of its software on its accelerator (planner.time_bands), or the wider edges where the recipe has something that
no measured run of the software had, or the model is a mixture of experts. A batch job's is its engine's.
"""

from __future__ import annotations

from planner.calibration import Calibration, wider
from planner.framework import Framework
from planner.optimizer_time import DECOMPOSED_SHARE
from planner.plan import Band
from planner.recipe import AdapterKind, Job, Place, Recipe
from planner.shape import ModelShape
from pricing.records import replace

# Software of whose measured runs some train adapters (planner/data/measured/training_throughput.csv).
TIMED_WITH_ADAPTERS = ("megatron-core",)
# Of other adapters than low-rank ones no run was timed with any software.
OTHER_ADAPTERS = {
    AdapterKind.DORA: "DoRA",
    AdapterKind.BOTTLENECK: "bottleneck adapters",
    AdapterKind.PREFIX: "a trained prefix",
    AdapterKind.PROMPT: "a trained prompt",
    AdapterKind.SCALE: "IA3",
    AdapterKind.BIAS: "trained biases",
    AdapterKind.GROUP_SCALE: "trained scales of packed weights",
}
# No measured run stands behind what streams: twice as fast where a page cache holds much of a disk's weights, half as
# fast where copies do not overlap as told. Assumed.
STREAMED = Band(
    low=0.5,
    high=2.0,
    basis="no run with weights or cache off the device was measured; from data sheets of links and disks",
    measured=False,
)


def run_band(
    shape: ModelShape, framework: Framework, recipe: Recipe, accelerator: str, calibration: Calibration
) -> Band:
    """The band of a run's time, and what it rests on."""
    if framework.job is Job.INFERENCE:
        answered = calibration.serving_factors(framework.name, accelerator).band
        return wider(answered, STREAMED) if recipe.streams else answered
    software = framework.software.name
    band = calibration.time_factors(software, accelerator).band
    if technique := _untimed(recipe, software):
        basis = f"no step {technique} was timed with {framework.name}; not measured"
        if recipe.projected_rank:
            basis += (
                f", and decompositions of gradients are assumed to reach {DECOMPOSED_SHARE:.0%} of the float32 peak"
            )
        band = replace(wider(band, calibration.time_factors(software, "").band), basis=basis, measured=False)
    return wider(band, calibration.mixture) if shape.experts else band


def _untimed(recipe: Recipe, software: str) -> str:
    """What of a recipe no measured run of the software had, in words; empty where all of it was timed."""
    if {recipe.weights_place, recipe.optimizer_place, recipe.activations_place} != {Place.DEVICE}:
        return "with states off the device"
    if recipe.adapter and recipe.adapter.kind is not AdapterKind.LOW_RANK:
        return f"with {OTHER_ADAPTERS[recipe.adapter.kind]}"
    if recipe.dequantizes:
        return "on packed weights"
    if recipe.trained_share < 1.0:
        return "with frozen blocks"
    if recipe.projected_rank or recipe.orthogonalizes:
        return f"with {'projected gradients' if recipe.projected_rank else 'orthogonal momenta'}"
    return "with adapters" if recipe.adapter and software not in TIMED_WITH_ADAPTERS else ""
