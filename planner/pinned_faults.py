"""What in a pinned configuration cannot be?

Names that nobody knows, techniques that exclude each other, degrees that do not divide: every finding at once, each
with its field. What needs the model's shape, or the accelerator, is left out where that is a finding itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from planner.arithmetic import impossible_products
from planner.calibration import load_calibration
from planner.contradictions import Finding
from planner.described import accelerator_called
from planner.errors import PlannerError
from planner.framework import Framework
from planner.layout import Layout
from planner.pinned_choices import (
    adapts,
    default_techniques,
    framework_of,
    frameworks_on,
    layout_of,
    told_by_fields,
    training_frameworks,
    training_recipe,
)
from planner.pinned_file import InferencePart, PinnedFile, TrainingPart, shape_called
from planner.recipe import AdapterKind, Group, Job
from planner.recipes import excluded_degrees, excludes
from planner.serving_memory import KV_BYTES, WEIGHT_BYTES
from planner.shape import ModelShape
from planner.techniques import load_techniques
from pricing.instance_type import Accelerator
from pricing.slices import is_slice
from pricing.wording import close_match, listed

SECTIONS = {"training": Job.TRAINING, "inference": Job.INFERENCE}


def name_faults(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Names in a file that nobody knows, and jobs too many or too few; whatever else is wrong with the file."""
    given = [section for section in SECTIONS if data.get(section) is not None]
    if len(given) != 1:
        yield Finding(path=(given[1],) if given else (), says="give either training or inference")
    model, accelerator = data.get("model"), data.get("accelerator")
    if isinstance(model, str):
        yield from _raised("model", lambda: shape_called(model, folder))
    if isinstance(accelerator, str):
        yield from _raised("accelerator", lambda: accelerator_called(accelerator))
    for section in given:
        part = data[section] if isinstance(data[section], dict) else {}
        listed = part.get("techniques")
        names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
        yield from _technique_names(section, names)
        framework = part.get("framework")
        known = training_frameworks()
        if section == "training" and isinstance(framework, str) and framework not in known:
            says = f"{framework:.60} is not known to train{close_match(framework, known)}"
            yield Finding(path=(section, "framework"), says=says)


def _raised(field: str, ask: Any) -> Iterator[Finding]:
    try:
        ask()
    except PlannerError as error:
        yield from (Finding(path=(field,), says=text) for text in error.findings)


def _technique_names(section: str, names: Iterable[str]) -> Iterator[Finding]:
    known, path = load_techniques(), (section, "techniques")
    for name in names:
        if name not in known:
            yield Finding(path=path, says=f"{name:.60} is not known{close_match(name, known)}")
        elif SECTIONS[section] not in known[name].jobs:
            yield Finding(path=path, says=f"{name} is not for {SECTIONS[section]}")


def pinned_faults(pinned: PinnedFile, shape: ModelShape | None, chip: Accelerator | None) -> Iterator[Finding]:
    """What of a configuration contradicts itself, its model or its accelerator, unknown names aside."""
    if isinstance(pinned.accelerator, str) and is_slice(pinned.accelerator) and pinned.accelerators > 1:
        reason = "slices of an accelerator reach each other through the host alone"
        says = f"{pinned.accelerators} x {pinned.accelerator}: {reason}; give 1, a slice a replica"
        yield Finding(path=("accelerators",), says=says)
    devices = pinned.accelerators * (chip.ranks if chip else 1)
    if pinned.training:
        yield from _degree_faults(pinned.training, shape, devices)
        if _known(pinned.training.techniques) and (pinned.training.framework or "") in {"", *training_frameworks()}:
            yield from _training_faults(pinned, pinned.training, shape, chip)
        yield from _overlong("training", "sequence_length", pinned.training.sequence_length, shape)
    if pinned.inference:
        yield from _inference_faults(pinned.inference)
        tokens = pinned.inference.input_tokens + pinned.inference.output_tokens
        yield from _overlong("inference", "input_tokens", tokens, shape)
        if shape and shape.layers % devices and (not shape.heads or shape.heads % devices):
            heads = f"{shape.heads} heads cannot be split {devices} ways, and " if shape.heads else ""
            says = f"{heads}{shape.layers} blocks do not share out over {devices} devices; change how many"
            yield Finding(path=("accelerators",), says=says)


def _known(names: Iterable[str]) -> bool:
    return all(name in load_techniques() for name in names)


def _overlong(section: str, field: str, tokens: int, shape: ModelShape | None) -> Iterator[Finding]:
    if shape and shape.positions and tokens > shape.context_tokens:
        says = f"{tokens:,} tokens are more than the {shape.context_tokens:,} for which {shape.name} has learned"
        yield Finding(path=(section, field), says=f"{says} positions")


def _training_faults(
    pinned: PinnedFile, part: TrainingPart, shape: ModelShape | None, chip: Accelerator | None
) -> Iterator[Finding]:
    yield from _framework_faults(part, chip)
    framework = framework_of(part, chip)
    defaults = default_techniques(part, framework)
    layout = layout_of(pinned, part, chip) if chip else Layout(micro_batches=part.micro_batches)
    path = ("training", "techniques")
    yield from (Finding(path=path, says=says) for says in _conflicts(part.techniques, defaults, layout))
    lacking = impossible_products(chip, part.techniques) if chip else ()
    yield from (Finding(path=path, says=says) for says in lacking)
    groups = {load_techniques()[name].group for name in part.techniques}
    if Group.ADAPTER in groups and not adapts(part):
        says = f"{part.method} trains weights, not adapters; set it to lora or qlora"
        yield Finding(path=("training", "method"), says=says)
    if Group.BASE_WEIGHTS in groups and not adapts(part):
        says = f"packed weights cannot be trained by {part.method}; set it to qlora"
        yield Finding(path=("training", "method"), says=says)
    for field, technique in (("trained_share", "frozen-layers"), ("projected_rank", "galore")):
        if getattr(part, field) is not None and technique not in part.techniques:
            says = f"is a setting of {technique}, which training.techniques does not name; add it, or leave this out"
            yield Finding(path=("training", field), says=says)
    if shape and _tunes_missing_biases(part, shape, framework):
        says = f"bitfit trains biases, and {shape.name} has none; choose another adapter"
        yield Finding(path=path, says=says)


def _framework_faults(part: TrainingPart, chip: Accelerator | None) -> Iterator[Finding]:
    """Software that does not run on the accelerator, or methods that none which runs there has."""
    if chip is None:
        return
    running = frameworks_on(chip)
    methods = sorted({method for item in running.values() for method in item.methods})
    if not running:
        yield Finding(path=("accelerator",), says=f"no framework here trains on {chip.name}; choose another")
    elif part.framework and part.framework not in running:
        there = listed({item.name for item in running.values()}, whole=True)
        says = f"{part.framework} does not run on {chip.name}; name one that does ({there}), or leave it out"
        yield Finding(path=("training", "framework"), says=says)
    if running and part.method not in methods:
        says = f"no framework here trains by {part.method} on {chip.name}; set it to {listed(methods, 'or')}"
        yield Finding(path=("training", "method"), says=says)


def _tunes_missing_biases(part: TrainingPart, shape: ModelShape, framework: Framework) -> bool:
    adapter = training_recipe(part, framework).adapter if adapts(part) else None
    return adapter is not None and adapter.kind is AdapterKind.BIAS and not shape.biased


def _conflicts(named: tuple[str, ...], defaults: tuple[str, ...], layout: Layout) -> Iterator[str]:
    """Techniques that exclude each other or a degree of the layout, and those that lack what they need."""
    known, names = load_techniques(), (*named, *defaults)
    for index, name in enumerate(names):
        item = known[name]
        for other in (known[each] for each in names[:index]):
            if not excludes(item, other):
                continue
            advice = "keep one of them"
            if name in defaults:
                advice = f"{name} is what the framework or method does by default: name another of either"
            yield f"{item.name} and {other.name} exclude each other; {advice}"
        for degree in sorted(excluded_degrees([name])):
            if getattr(layout, degree) > 1:
                yield f"{name} excludes {degree} {getattr(layout, degree)}; set it to 1"
        for need in item.needs:
            if not need.intersection(names):
                yield f"{name} needs {' or '.join(sorted(need))}; name one"


def _degree_faults(part: TrainingPart, shape: ModelShape | None, devices: int) -> Iterator[Finding]:
    model = part.tensor * part.pipeline * part.context
    if devices % model:
        says = f"{devices} devices are no multiple of tensor x pipeline x context = {model}; change one"
        yield Finding(path=("accelerators",), says=says)
    if not shape:
        return
    if shape.heads % part.tensor:
        yield Finding(path=("training", "tensor"), says=f"{shape.heads} heads cannot be split {part.tensor} ways")
    if part.pipeline * part.virtual > shape.layers:
        says = f"{part.pipeline * part.virtual} chunks are more than {shape.layers} blocks"
        yield Finding(path=("training", "pipeline"), says=says)
    if not shape.experts:
        asked = (("expert", part.expert > 1), ("capacity_factor", part.capacity_factor is not None))
        for name, given in asked:
            if given:
                yield Finding(path=("training", name), says=f"{shape.name} has no experts; leave it out")
        return
    ranks = devices // (part.tensor * part.pipeline)
    if shape.experts % part.expert or ranks % part.expert:
        says = f"{shape.experts} experts on {ranks} ranks cannot be shared {part.expert} ways"
        yield Finding(path=("training", "expert"), says=says)


def _inference_faults(part: InferencePart) -> Iterator[Finding]:
    for key, given, known in (("weights", part.weights, WEIGHT_BYTES), ("kv", part.kv, KV_BYTES)):
        if given not in known:
            says = f"how many bytes {given:.60} takes is not known{close_match(given, known)}"
            yield Finding(path=("inference", key), says=says)
    eager = load_calibration().eager
    if part.program and part.program not in eager:
        measured = ", ".join(name for name in eager if name != "default")
        says = f"{part.program:.60} was not measured; {measured} were; leave it out for others"
        yield Finding(path=("inference", "program"), says=says)
    if not _known(part.techniques):
        return
    path = ("inference", "techniques")
    yield from (Finding(path=path, says=says) for says in _conflicts(part.techniques, (), Layout()))
    groups = {load_techniques()[name].group for name in part.techniques}
    for group, given in told_by_fields(part).items():
        if group in groups and given not in ("bf16", "device"):
            yield Finding(path=path, says=f"{group} is told twice, here and as {given}; keep one")
