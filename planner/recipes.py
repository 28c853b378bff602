"""Which recipes does the workload allow in a framework?

What the user names is fixed; where the user is silent, every technique that the framework offers and whose
loss of accuracy is accepted is an option. A recipe takes at most one option of each group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from planner.framework import Framework
from planner.recipe import Accuracy, Adapter, Group, Recipe, Technique
from planner.techniques import load_techniques
from planner.workload import Method, Workload

# Serving precisions that change the weights only; products stay in 16 bits or follow the weights.
WEIGHT_PRECISIONS = {"fp8": "fp8-weights", "int8": "int8-weights", "int4": "int4-weights"}

Choice = Technique | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A framework with a recipe. `extra` counts the techniques that neither the user named nor every run has."""

    framework: Framework
    recipe: Recipe
    extra: int


def allowed_options(workload: Workload, framework: Framework) -> tuple[Option, ...]:
    """Every allowed recipe in the framework, fewest extra techniques first."""
    named = named_techniques(workload)
    by_group = {group: _choices(workload, framework, group, named) for group in Group}
    optional = {group for group, choices in by_group.items() if any(item is None or item.baseline for item in choices)}
    options = [
        _option(workload, framework, choices, optional)
        for choices in product(*by_group.values())
        if _stands_together(workload, choices)
    ]
    return tuple(sorted(options, key=lambda option: (option.extra, option.recipe.techniques)))


def named_techniques(workload: Workload) -> dict[Group, str | None]:
    """What the user has decided, by group; None where the user has decided against any."""
    named: dict[Group, str | None] = {}
    if workload.training:
        training = workload.training
        # A full fine-tune becomes adapters only where just their loss is accepted, or they are required.
        offered = workload.techniques.accept is Accuracy.ADAPTER or "lora" in workload.techniques.require
        if training.method in (Method.LORA, Method.QLORA):
            named[Group.ADAPTER] = "lora"
        elif not offered or training.method is Method.PRETRAIN:
            named[Group.ADAPTER] = None
        if training.method is Method.QLORA:
            named[Group.BASE_WEIGHTS] = "nf4"
        if training.precision:
            named[Group.PRECISION] = training.precision
        if training.optimizer:
            named[Group.OPTIMIZER] = training.optimizer
        if workload.pin.sharding:
            named[Group.SHARDING] = workload.pin.sharding
        if workload.pin.recompute:
            named[Group.RECOMPUTE] = f"recompute-{workload.pin.recompute}"
    if workload.inference and workload.inference.precision:
        precision = workload.inference.precision
        if precision in WEIGHT_PRECISIONS:
            named[Group.BASE_WEIGHTS] = WEIGHT_PRECISIONS[precision]
        else:
            named[Group.PRECISION] = precision
            named[Group.BASE_WEIGHTS] = None
    return named


def _choices(
    workload: Workload, framework: Framework, group: Group, named: dict[Group, str | None]
) -> Sequence[Choice]:
    """What a recipe may have of a group; None stands for doing without, where the group has no baseline."""
    known = [item for item in load_techniques().values() if item.group is group and framework.job in item.jobs]
    offered = [item for item in known if item.name in framework.techniques]
    if group in named:
        name = named[group]
        return [None] if name is None else [item for item in offered if item.name == name]
    wanted = workload.techniques
    accepted = [
        item
        for item in offered
        if item.accuracy.rank <= wanted.accept.rank
        and item.name not in wanted.forbid
        and (item.unasked or item.name in wanted.require)
    ]
    return accepted if any(item.baseline for item in known) else [None, *accepted]


def _stands_together(workload: Workload, choices: tuple[Choice, ...]) -> bool:
    """Quantized weights cannot be trained, only carry adapters; and every required technique must be there."""
    chosen = {item.name for item in choices if item}
    groups = {item.group for item in choices if item}
    frozen = workload.training is None or Group.ADAPTER in groups
    return (frozen or Group.BASE_WEIGHTS not in groups) and chosen >= set(workload.techniques.require)


def _option(workload: Workload, framework: Framework, choices: tuple[Choice, ...], optional: set[Group]) -> Option:
    recipe = framework.plain_recipe()
    accuracy = Accuracy.EXACT
    used = [item for item in choices if item]
    if workload.training and any(item.group is Group.ADAPTER for item in used):
        lora = workload.training.lora
        recipe = replace(recipe, adapter=Adapter(rank=lora.rank, targets=lora.targets))
    for technique in used:
        recipe = technique.apply(recipe)
        accuracy = max(accuracy, technique.accuracy, key=lambda item: item.rank)
    return Option(
        framework=framework,
        recipe=replace(recipe, accuracy=accuracy, techniques=tuple(item.name for item in used)),
        extra=sum(not item.baseline and item.group in optional for item in used),
    )
