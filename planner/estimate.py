"""What does a pinned configuration take on a given accelerator, and how fast is it?

No market: no prices, no choice. Memory term by term, with its band and whether it fits; time where the accelerator's
rates are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from planner.arithmetic import emulated_products, lacks, served_products
from planner.calibration import Calibration
from planner.described import machine_of, slice_called
from planner.fitting import kind_bytes
from planner.framework import Framework
from planner.layout import Layout
from planner.memory import training_memory, worst_stage
from planner.memory_band import served_band, trained_band
from planner.offload import training_elsewhere
from planner.pinned_choices import (
    NVIDIA,
    Taken,
    accelerator_of,
    default_techniques,
    framework_of,
    is_foreign,
    layout_of,
    not_offered,
    served_recipe,
    taken_in_serving,
    taken_in_training,
    training_recipe,
)
from planner.pinned_file import InferencePart, PinnedFile, TrainingPart
from planner.plan import Band, Term
from planner.recipe import Group, Job, Place, Recipe
from planner.serving_memory import served_elsewhere, served_need, with_overheads
from planner.setting import RATED_AS
from planner.shape import ModelShape
from planner.techniques import load_techniques
from planner.training_time import step_time
from pricing.errors import BerthError
from pricing.instance_type import Accelerator
from pricing.records import replace
from pricing.slices import is_slice

# Which of the three figures the fit compares with the device: the tools that show it are NVIDIA's.
COMPARED, COMPARED_ELSEWHERE = "total_bytes, what nvidia-smi shows", "total_bytes, all that is taken of the device"


class Estimate(Struct, frozen=True, kw_only=True):
    """Memory of the worst device by cause, bytes; what else a node's memory and disks hold; seconds and tokens a
    second, if known; and what all of it was taken to be.

    `vendor` is who makes the device. `allocated_bytes` is what tensors take, `reserved_bytes` what the allocator took
    for them; `total_bytes`, which nvidia-smi shows, has the context and the collectives too and is what the fit
    compares. `cautions` are what to mind beside the verdict: it may fit, and yet run badly.
    """

    name: str
    model: str
    device: str
    vendor: str
    stage: str
    terms: tuple[Term, ...]
    device_bytes: int
    allocated_bytes: float
    reserved_bytes: float
    band: Band
    host_bytes: float = 0.0
    disk_bytes: float = 0.0
    step_s: float | None = None
    tokens_per_s: float | None = None
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    taken: Taken

    @property
    def total_bytes(self) -> float:
        """Memory of the worst device."""
        return sum(term.value for term in self.terms)

    @property
    def fits(self) -> bool:
        """Whether the upper edge of the band is no more than the device has."""
        return self.band.high * self.total_bytes <= self.device_bytes

    def as_json(self) -> dict[str, Any]:
        """What `berth estimate --json` prints."""
        apart = ("terms", "band", "taken")
        return {
            **{name: value for name, value in asdict(self).items() if name not in apart},
            "terms_bytes": {term.name: term.value for term in self.terms},
            "total_bytes": self.total_bytes,
            "compared": COMPARED if self.vendor == NVIDIA else COMPARED_ELSEWHERE,
            "taken": {**asdict(self.taken), "settings": dict(self.taken.settings)},
            "upper_bytes": self.band.high * self.total_bytes,
            "band": asdict(self.band),
            "fits": self.fits,
        }


def estimate(pinned: PinnedFile, shape: ModelShape, calibration: Calibration) -> Estimate:
    """What a configuration takes that planner.pinned has read, and so found to be possible."""
    given = pinned.accelerator
    chip = accelerator_of(pinned)
    if pinned.training:
        found = _training(pinned, pinned.training, shape, chip, calibration)
    else:
        assert pinned.inference
        found = _inference(pinned, pinned.inference, shape, chip, calibration)
    notes = (_slice_note(given),) if isinstance(given, str) and is_slice(given) else ()
    cautions = (_foreign_note(chip),) if is_foreign(chip) else ()
    return replace(found, notes=(*found.notes, *notes), cautions=(*found.cautions, *cautions))


def _foreign_note(chip: Accelerator) -> str:
    """That NVIDIA's software stands for what nobody knows on another maker's accelerator."""
    return f"no software here is known to run on accelerators of {chip.vendor}: estimated as on NVIDIA's"


def _slice_note(name: str) -> str:
    """How many such slices the whole has, and what nobody measured of them."""
    found = slice_called(name)
    many = (
        f"one {found.whole.name} is cut into {found.instances} of these" if found.instances > 1 else "one of its kind"
    )
    return f"{many}, each a device of its own; no run on a slice was measured: its rates are its shares of the whole's"


def _training(
    pinned: PinnedFile, part: TrainingPart, shape: ModelShape, chip: Accelerator, calibration: Calibration
) -> Estimate:
    framework = framework_of(part, chip)
    layout = layout_of(pinned, part, chip)
    recipe = training_recipe(part, framework)
    vendor = chip.vendor if chip.vendor in calibration.memory else NVIDIA
    factors = calibration.memory_factors(vendor, framework.software.name, mixture=shape.experts > 0)
    need = training_memory(shape, recipe, layout, part.sequence_length, framework, factors)
    stage = worst_stage(need)
    step_s, notes = _step_s(pinned, part, shape, chip, calibration, framework, recipe, layout)
    names = (*part.techniques, *default_techniques(part, framework))
    elsewhere = training_elsewhere(shape, recipe, layout, part.sequence_length, framework)
    per_node = min(pinned.accelerators_per_node or 8, pinned.accelerators) * chip.ranks
    tokens = layout.global_batch * part.sequence_length
    return Estimate(
        name=pinned.name,
        model=shape.name,
        device=f"{pinned.accelerators} x {chip.name}",
        vendor=chip.vendor,
        stage=f"{stage} of {layout.pipeline} pipeline stages" if layout.pipeline > 1 else "every device",
        terms=_terms({name: float(value) for name, value in asdict(need[stage]).items()}),
        device_bytes=chip.memory_bytes // chip.ranks,
        allocated_bytes=kind_bytes(need[stage], "allocated"),
        reserved_bytes=kind_bytes(need[stage], "reserved"),
        band=trained_band(shape, chip, factors.band, calibration),
        host_bytes=per_node * float(elsewhere.host),
        disk_bytes=per_node * float(elsewhere.disk),
        step_s=step_s,
        tokens_per_s=tokens / step_s if step_s else None,
        notes=(*notes, *not_offered(framework, names, layout)),
        cautions=tuple(emulated_products(chip, recipe.compute_dtype)),
        taken=taken_in_training(part, framework, recipe, layout),
    )


def _step_s(
    pinned: PinnedFile,
    part: TrainingPart,
    shape: ModelShape,
    chip: Accelerator,
    calibration: Calibration,
    framework: Framework,
    recipe: Recipe,
    layout: Layout,
) -> tuple[float | None, tuple[str, ...]]:
    """Seconds of a step, or why nobody knows."""
    machine = machine_of(chip, pinned.accelerators_per_node or min(8, pinned.accelerators))
    factors = calibration.time_factors(framework.software.name, chip.name)
    try:
        seconds = float(step_time(shape, recipe, layout, part.sequence_length, machine, factors).total)
    except (BerthError, KeyError):
        seconds = np.nan
    if np.isfinite(seconds):
        untimed = [name for name in recipe.techniques if Job.TRAINING in load_techniques()[name].untimed]
        return seconds, tuple(f"the time does not know what {name} costs" for name in untimed)
    return None, (_untimed(chip, recipe.compute_dtype),)


def _untimed(chip: Accelerator, dtype: str) -> str:
    """Why nobody knows the time."""
    rated = RATED_AS.get(dtype, dtype)
    if lacks(chip, dtype):
        return f"no time: {chip.name} has no {rated} arithmetic, so no source states a rate of it"
    if chip.flop_per_s and rated not in chip.flop_per_s:
        return f"no source states a rate of {chip.name} in {rated}, which the time needs"
    return "no source states a rate of the accelerator, its links or its network that the time needs"


def _served_weights(part: InferencePart) -> str:
    """The type of the weights: a technique's, else the field's."""
    known = load_techniques()
    packed = (name for name in part.techniques if known[name].group is Group.BASE_WEIGHTS)
    return next(packed, part.weights).removesuffix("-weights")


def _inference(
    pinned: PinnedFile, part: InferencePart, shape: ModelShape, chip: Accelerator, calibration: Calibration
) -> Estimate:
    recipe = served_recipe(part)
    devices = pinned.accelerators * chip.ranks
    need = served_need(
        shape,
        recipe,
        sequences=part.sequences,
        input_tokens=part.input_tokens,
        output_tokens=part.output_tokens,
        prefill_tokens=part.prefill_tokens or part.input_tokens,
        chunk_rows=part.chunk_rows,
        devices=devices,
    )
    tokens = part.input_tokens + part.output_tokens
    host, disk = (
        float(served_elsewhere(shape, recipe, part.sequences, tokens, place)) for place in (Place.HOST, Place.DISK)
    )
    vendor = chip.vendor if chip.vendor in calibration.memory else NVIDIA
    factors, eager = calibration.memory[vendor], calibration.eager_factors(part.program or "default")
    context = factors.context_bytes + factors.collectives_bytes * (devices > 1)
    named = {name: float(value) for name, value in with_overheads(need, recipe, eager, context).items()}
    reserved = sum(named.values()) - named["context_and_collectives"]
    return Estimate(
        name=pinned.name,
        model=shape.name,
        device=f"{pinned.accelerators} x {chip.name}",
        vendor=chip.vendor,
        stage="every device",
        terms=_terms(named),
        device_bytes=chip.memory_bytes // chip.ranks,
        allocated_bytes=reserved - named["allocator_slack"],
        reserved_bytes=reserved,
        band=served_band(shape, recipe, chip, eager.band, calibration),
        host_bytes=host,
        disk_bytes=disk,
        cautions=tuple(served_products(chip, _served_weights(part))),
        taken=taken_in_serving(part, devices),
    )


def _terms(named: Mapping[str, float]) -> tuple[Term, ...]:
    return tuple(Term(name=name.replace("_", " "), value=value) for name, value in named.items())
