"""How far may memory lie from its prediction where nobody measured such a case?

Bands stand on decoders that trained or answered on NVIDIA devices with all they need on them. Everything else says so.
Encoders, what streams in and AWS's devices get at least the edges of Neuron, where formulas hold and overheads are not
known; folding models and other vendors' devices those of mixtures of experts, where sizes themselves are less sure.
"""

from __future__ import annotations

from planner.calibration import Calibration, wider
from planner.plan import Band
from planner.recipe import Recipe
from planner.shape import ModelShape
from pricing.instance_type import Accelerator
from pricing.records import replace

# Whose devices' memory was measured while models answered (planner/data/measured/serving_memory.csv).
MEASURED_VENDOR, NEURON = "NVIDIA", "AWS"


def trained_band(shape: ModelShape, chip: Accelerator, own: Band, calibration: Calibration) -> Band:
    """The band of a training step's memory. `own` is that of the software on the vendor's devices."""
    if chip.vendor not in calibration.memory:
        return _unmeasured(f"training on a device of {chip.vendor}", own, calibration.mixture_memory)
    return _unmeasured(f"training {_kind(shape)}", own, _edges(shape, calibration)) if _kind(shape) else own


def served_band(shape: ModelShape, recipe: Recipe, chip: Accelerator, own: Band, calibration: Calibration) -> Band:
    """The band of a served model's memory. `own` is that of the program."""
    if _kind(shape):
        return _unmeasured(f"serving {_kind(shape)}", own, _edges(shape, calibration))
    if chip.vendor != MEASURED_VENDOR:
        known = calibration.memory.get(chip.vendor)
        edges = known.band if known else calibration.mixture_memory
        return _unmeasured(f"serving on a device of {chip.vendor}", own, edges)
    if recipe.streams:
        return _unmeasured("serving with weights or cache off the device", own, calibration.memory[NEURON].band)
    return own


def _edges(shape: ModelShape, calibration: Calibration) -> Band:
    folds = any(run.evoformer for run in shape.blocks)
    return calibration.mixture_memory if folds else calibration.memory[NEURON].band


def _kind(shape: ModelShape) -> str:
    """What kind of model nobody measured, in words; empty for decoders."""
    if any(run.evoformer for run in shape.blocks):
        return "a folding model"
    return "" if shape.generates else "an encoder"


def _unmeasured(case: str, own: Band, edges: Band) -> Band:
    return wider(own, replace(edges, basis=f"no memory was measured in {case}: the band is wide"))
