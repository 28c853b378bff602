"""What does a pinned configuration take on a given accelerator, and how fast is it?

No market: no prices, no choice. Memory term by term, with its band and whether it fits; time where the accelerator's
rates are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from planner.calibration import Calibration
from planner.described import accelerator_called, described_accelerator, machine_of, slice_called
from planner.errors import PlannerError
from planner.framework import DEFAULT_FRAMEWORKS, Framework, load_frameworks
from planner.layout import Layout
from planner.memory import training_memory, worst_stage
from planner.memory_band import served_band, trained_band
from planner.offload import training_elsewhere
from planner.pinned import InferencePart, PinnedFile, TrainingPart
from planner.plan import Band, Term
from planner.recipe import Adapter, Group, Job, Place, Recipe
from planner.recipes import Settings, excluded_degrees, excludes, recipe_of
from planner.serving_memory import KV_BYTES, OUTER_BYTES, WEIGHT_BYTES, served_elsewhere, served_need
from planner.shape import ModelShape
from planner.software import load_software
from planner.techniques import load_techniques
from planner.training_time import step_time
from pricing.errors import BerthError
from pricing.instance_type import Accelerator
from pricing.slices import is_slice
from pricing.wording import close_match


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Memory of the worst device by cause, bytes; what else a node's memory and disks hold; seconds and tokens a
    second, if known."""

    name: str
    model: str
    device: str
    stage: str
    terms: tuple[Term, ...]
    device_bytes: int
    band: Band
    host_bytes: float = 0.0
    disk_bytes: float = 0.0
    step_s: float | None = None
    tokens_per_s: float | None = None
    notes: tuple[str, ...] = ()

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
        apart = ("terms", "band")
        return {
            **{field.name: getattr(self, field.name) for field in fields(self) if field.name not in apart},
            "terms_bytes": {term.name: term.value for term in self.terms},
            "total_bytes": self.total_bytes,
            "upper_bytes": self.band.high * self.total_bytes,
            "band": {field.name: getattr(self.band, field.name) for field in fields(self.band)},
            "fits": self.fits,
        }


def estimate(pinned: PinnedFile, shape: ModelShape, calibration: Calibration) -> Estimate:
    """What the configuration takes. Raises PlannerError with everything in it that cannot be."""
    given = pinned.accelerator
    chip = described_accelerator(given) if isinstance(given, Mapping) else accelerator_called(given)
    sliced = isinstance(given, str) and is_slice(given)
    if sliced and pinned.accelerators > 1:
        reason = "slices of an accelerator reach each other through the host alone"
        raise PlannerError([f"accelerators: {pinned.accelerators} x {chip.name}: {reason}; give 1, a slice a replica"])
    if pinned.training:
        found = _training(pinned, pinned.training, shape, chip, calibration)
    else:
        assert pinned.inference
        found = _inference(pinned, pinned.inference, shape, chip, calibration)
    return replace(found, notes=(*found.notes, _slice_note(str(given)))) if sliced else found


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
    framework = _framework(part)
    layout = _layout(pinned, part, shape, chip)
    recipe = _recipe(part, framework, layout)
    vendor = chip.vendor if chip.vendor in calibration.memory else "NVIDIA"
    factors = calibration.memory_factors(vendor, framework.software.name, mixture=shape.experts > 0)
    need = training_memory(shape, recipe, layout, part.sequence_length, framework, factors)
    stage = worst_stage(need)
    step_s, notes = _step_s(pinned, part, shape, chip, calibration, framework, recipe, layout)
    elsewhere = training_elsewhere(shape, recipe, layout, part.sequence_length, framework)
    per_node = min(pinned.accelerators_per_node or 8, pinned.accelerators) * chip.ranks
    tokens = layout.global_batch * part.sequence_length
    return Estimate(
        name=pinned.name,
        model=shape.name,
        device=f"{pinned.accelerators} x {chip.name}",
        stage=f"{stage} of {layout.pipeline} pipeline stages" if layout.pipeline > 1 else "every device",
        terms=_terms({field.name: float(getattr(need[stage], field.name)) for field in fields(need[stage])}),
        device_bytes=chip.memory_bytes // chip.ranks,
        band=trained_band(shape, chip, factors.band, calibration),
        host_bytes=per_node * float(elsewhere.host),
        disk_bytes=per_node * float(elsewhere.disk),
        step_s=step_s,
        tokens_per_s=tokens / step_s if step_s else None,
        notes=notes,
    )


def _framework(part: TrainingPart) -> Framework:
    """A framework of the planner, or a class of software with the framework that it belongs to."""
    name = part.framework or DEFAULT_FRAMEWORKS[part.method]
    known = {item.name: item for item in load_frameworks().values() if item.job is Job.TRAINING}
    if name in known:
        return known[name]
    software = load_software().get(name)
    if software is None:
        names = [*known, *load_software()]
        raise PlannerError([f"training.framework: {name} is not known{close_match(name, names)}"])
    return replace(known[software.framework], software=software.by_default())


def _recipe(part: TrainingPart, framework: Framework, layout: Layout) -> Recipe:
    """The techniques named, with a default for each question that they leave open."""
    known = load_techniques()
    _refuse_unknown("training", part.techniques, Job.TRAINING)
    names = list(part.techniques)
    groups = {known[name].group for name in names}
    adapts = part.method in ("lora", "qlora")
    defaults = {Group.PRECISION: "bf16", Group.OPTIMIZER: "adamw"}
    defaults |= {Group.ADAPTER: "lora"} if adapts else {}
    defaults |= {Group.BASE_WEIGHTS: "nf4"} if part.method == "qlora" else {}
    # Software that cannot do without sharding.
    defaults |= {Group.SHARDING: framework.default_sharding} if framework.default_sharding else {}
    names += [name for group, name in defaults.items() if group not in groups]
    findings = list(_conflicts(names, layout))
    if (Group.ADAPTER in groups) > adapts:
        findings.append(f"training.method: {part.method} trains weights, not adapters; set it to lora or qlora")
    if Group.BASE_WEIGHTS in groups and not adapts:
        findings.append(f"training.method: packed weights cannot be trained by {part.method}; set it to qlora")
    if findings:
        raise PlannerError(findings)
    adapter = Adapter(rank=part.lora.rank, targets=part.lora.targets, tokens=part.lora.tokens)
    settings = Settings(adapter=adapter, trained_share=part.trained_share, projected_rank=part.projected_rank)
    return replace(recipe_of(framework, names, settings), expert_capacity=part.capacity_factor or 0.0)


def _refuse_unknown(section: str, names: Iterable[str], job: Job) -> None:
    """Raises PlannerError where a technique is unknown, or is none of this job's."""
    known = load_techniques()
    findings = [
        f"{section}.techniques: {name} is not known{close_match(name, known)}" for name in names if name not in known
    ]
    findings += [
        f"{section}.techniques: {name} is not for {job}"
        for name in names
        if name in known and job not in known[name].jobs
    ]
    if findings:
        raise PlannerError(findings)


def _conflicts(names: Sequence[str], layout: Layout) -> Iterator[str]:
    """Techniques that exclude each other or a degree of the layout, and those that lack what they need."""
    used = [load_techniques()[name] for name in names]
    for index, item in enumerate(used):
        for other in used[:index]:
            if excludes(item, other):
                yield f"techniques: {item.name} and {other.name} exclude each other; keep one of them"
        for degree in sorted(excluded_degrees([item.name])):
            if getattr(layout, degree) > 1:
                yield f"techniques: {item.name} excludes {degree} {getattr(layout, degree)}; set it to 1"
        for need in item.needs:
            if not need.intersection(names):
                yield f"techniques: {item.name} needs {' or '.join(sorted(need))}; name one"


def _layout(pinned: PinnedFile, part: TrainingPart, shape: ModelShape, chip: Accelerator) -> Layout:
    devices = pinned.accelerators * chip.ranks
    model = part.tensor * part.pipeline * part.context
    findings = []
    if devices % model:
        findings.append(
            f"accelerators: {devices} devices are no multiple of tensor x pipeline x context = {model}; change one"
        )
    if shape.heads % part.tensor:
        findings.append(f"training.tensor: {shape.heads} heads cannot be split {part.tensor} ways")
    findings += _expert_faults(part, shape, devices // (part.tensor * part.pipeline))
    if part.pipeline * part.virtual > shape.layers:
        findings.append(f"training.pipeline: {part.pipeline * part.virtual} chunks are more than {shape.layers} blocks")
    if findings:
        raise PlannerError(findings)
    return Layout(
        tensor=part.tensor,
        pipeline=part.pipeline,
        virtual=part.virtual,
        context=part.context,
        expert=part.expert,
        data=devices // model,
        micro_batch=part.micro_batch,
        micro_batches=part.micro_batches,
    )


def _expert_faults(part: TrainingPart, shape: ModelShape, ranks: int) -> list[str]:
    """What cannot be of the experts' degree and room; `ranks` are those of data and context together."""
    if not shape.experts:
        asked = (("expert", part.expert > 1), ("capacity_factor", part.capacity_factor is not None))
        return [f"training.{name}: {shape.name} has no experts; leave it out" for name, given in asked if given]
    if shape.experts % part.expert or ranks % part.expert:
        return [f"training.expert: {shape.experts} experts on {ranks} ranks cannot be shared {part.expert} ways"]
    return []


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
        untimed = [name for name in recipe.techniques if not load_techniques()[name].timed]
        return seconds, tuple(f"the time does not know what {name} costs" for name in untimed)
    return None, ("no source states a rate of the accelerator, its links or its network that the time needs",)


def _inference(
    pinned: PinnedFile, part: InferencePart, shape: ModelShape, chip: Accelerator, calibration: Calibration
) -> Estimate:
    recipe = _served_recipe(part, calibration)
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
    host, disk = (served_elsewhere(shape, recipe, part.sequences, tokens, place) for place in (Place.HOST, Place.DISK))
    vendor = chip.vendor if chip.vendor in calibration.memory else "NVIDIA"
    factors, eager = calibration.memory[vendor], calibration.eager_factors(part.program or "default")
    terms = {field.name: float(getattr(need, field.name)) for field in fields(need)}
    packed = terms["weights"] * (recipe.block_weight_bytes < OUTER_BYTES)
    left_out = {
        "copies": eager.copied_share * packed,
        "activations": eager.row_share * terms["activations"],
        "work_space": eager.workspace_bytes,
        "context_and_collectives": factors.context_bytes + factors.collectives_bytes * (devices > 1),
    }
    return Estimate(
        name=pinned.name,
        model=shape.name,
        device=f"{pinned.accelerators} x {chip.name}",
        stage="every device",
        terms=_terms({**terms, **left_out}),
        device_bytes=chip.memory_bytes // chip.ranks,
        band=served_band(shape, recipe, chip, eager.band, calibration),
        host_bytes=host,
        disk_bytes=disk,
    )


def _served_recipe(part: InferencePart, calibration: Calibration) -> Recipe:
    """Types and places as the file gives them, and what its techniques make of them."""
    findings = [
        f"inference.{key}: how many bytes {given} takes is not known{close_match(given, known)}"
        for key, given, known in (("weights", part.weights, WEIGHT_BYTES), ("kv", part.kv, KV_BYTES))
        if given not in known
    ]
    if part.program and part.program not in calibration.eager:
        measured = ", ".join(name for name in calibration.eager if name != "default")
        findings.append(f"inference.program: {part.program} was not measured; {measured} were; leave it out for others")
    if findings:
        raise PlannerError(findings)
    _refuse_unknown("inference", part.techniques, Job.INFERENCE)
    findings = list(_conflicts(part.techniques, Layout()))
    groups = {load_techniques()[name].group for name in part.techniques}
    told = {Group.BASE_WEIGHTS: part.weights, Group.KV_CACHE: part.kv}
    told |= {Group.WEIGHTS_PLACE: part.weights_on, Group.CACHE_PLACE: part.kv_on}
    findings += [
        f"inference.techniques: {group} is told twice, here and as {given}; keep one"
        for group, given in told.items()
        if group in groups and given not in ("bf16", "device")
    ]
    if findings:
        raise PlannerError(findings)
    recipe = Recipe(
        block_weight_bytes=WEIGHT_BYTES[part.weights],
        kv_bytes=KV_BYTES[part.kv],
        weights_place=Place(part.weights_on),
        kv_place=Place(part.kv_on),
    )
    for name in part.techniques:
        recipe = load_techniques()[name].apply(recipe)
    return recipe


def _terms(named: Mapping[str, float]) -> tuple[Term, ...]:
    return tuple(Term(name=name.replace("_", " "), value=value) for name, value in named.items())
