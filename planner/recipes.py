"""Which recipes does the workload allow in a framework?

What the user names is fixed; where the user is silent, every technique that the framework offers and whose
loss of accuracy is accepted is an option. A recipe takes at most one option of each group, and none that another
excludes or that lacks what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from msgspec import Struct, field

from planner.framework import Framework
from planner.layout import Layout
from planner.recipe import Accuracy, Adapter, Group, Recipe, Technique
from planner.techniques import load_techniques
from planner.workload import Method, Training, Workload
from pricing.records import replace

# Serving precisions that change the weights only; products stay in 16 bits or follow the weights.
WEIGHT_PRECISIONS = {
    "fp8": "fp8-weights",
    "int8": "int8-weights",
    "int4": "int4-weights",
    "awq": "awq",
    "gptq": "gptq",
    "nf4": "nf4-weights",
    "fp4": "fp4-weights",
    "int3": "int3-weights",
}
# What a technique may exclude of a layout.
DEGREES = frozenset(Layout.__struct_fields__)

Choice = Technique | None


class Option(Struct, frozen=True, kw_only=True):
    """A framework with a recipe. `extra` counts the techniques that neither the user named nor every run has."""

    framework: Framework
    recipe: Recipe
    extra: int


class Settings(Struct, frozen=True, kw_only=True):
    """What a user may set of techniques: adapters, the share of blocks that is trained, GaLore's rank (0: its own)."""

    adapter: Adapter = field(default_factory=Adapter)
    trained_share: float = 1.0
    projected_rank: int = 0


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
    """What the user has decided by fields, by group; None where the user has decided against any."""
    named = _named_in_training(workload) if workload.training else {}
    if workload.inference and workload.inference.precision:
        precision = workload.inference.precision
        if precision in WEIGHT_PRECISIONS:
            named[Group.BASE_WEIGHTS] = WEIGHT_PRECISIONS[precision]
        else:
            named[Group.PRECISION] = precision
            named[Group.BASE_WEIGHTS] = None
    return named


def _named_in_training(workload: Workload) -> dict[Group, str | None]:
    training, pin = workload.training, workload.pin
    assert training is not None
    decided: dict[Group, str | None] = {
        Group.PRECISION: training.precision,
        Group.OPTIMIZER: training.optimizer,
        Group.SHARDING: pin.sharding,
        Group.RECOMPUTE: pin.recompute and f"recompute-{pin.recompute}",
        Group.TRAINED_LAYERS: "frozen-layers" if training.trained_share else None,
    }
    named: dict[Group, str | None] = {group: name for group, name in decided.items() if name}
    adapter = training.adapter or _required(workload, Group.ADAPTER)
    if training.method in (Method.LORA, Method.QLORA):
        named[Group.ADAPTER] = adapter or "lora"
    elif training.method is Method.PRETRAIN or not (adapter or workload.techniques.accept is Accuracy.ADAPTER):
        # A full fine-tune becomes adapters only where just their loss is accepted, or they are required.
        named[Group.ADAPTER] = None
    if training.method is Method.QLORA:
        packed = "int4-weights" if adapter == "peqa" else "nf4"
        named[Group.BASE_WEIGHTS] = _required(workload, Group.BASE_WEIGHTS) or packed
    return named


def _required(workload: Workload, group: Group) -> str | None:
    """The first technique of a group that the workload requires."""
    known = load_techniques()
    return next((name for name in workload.techniques.require if name in known and known[name].group is group), None)


def excludes(one: Technique, other: Technique) -> bool:
    """Whether two techniques cannot be had together: either names the other or its group, or they share a group."""
    named = other.name in one.excludes or other.group in one.excludes
    return named or one.name in other.excludes or one.group in other.excludes or one.group is other.group


def excluded_degrees(techniques: Iterable[str]) -> frozenset[str]:
    """Fields of a layout that must be 1 with the techniques."""
    known = load_techniques()
    return DEGREES & frozenset().union(*(known[name].excludes for name in techniques))


def recipe_of(framework: Framework, names: Iterable[str], settings: Settings) -> Recipe:
    """The framework's recipe with the techniques applied in the order of their groups, as loose as the loosest."""
    known = load_techniques()
    order = list(Group)
    used = sorted((known[name] for name in names), key=lambda item: order.index(item.group))
    recipe = _with_settings(framework.plain_recipe(), settings, used)
    for technique in used:
        recipe = technique.apply(recipe)
    loosest = max((item.accuracy for item in used), key=lambda item: item.rank, default=Accuracy.EXACT)
    return replace(recipe, accuracy=loosest, techniques=tuple(item.name for item in used))


def _with_settings(recipe: Recipe, settings: Settings, used: Sequence[Technique]) -> Recipe:
    """The recipe with what the user has set for the techniques that it will have."""
    names, groups = {item.name for item in used}, {item.group for item in used}
    return replace(
        recipe,
        adapter=settings.adapter if Group.ADAPTER in groups else None,
        trained_share=settings.trained_share if Group.TRAINED_LAYERS in groups else 1.0,
        projected_rank=settings.projected_rank if "galore" in names else 0,
    )


def _settings(training: Training | None) -> Settings:
    if training is None:
        return Settings()
    lora = training.lora
    return Settings(
        adapter=Adapter(rank=lora.rank, targets=lora.targets, tokens=lora.tokens),
        trained_share=training.trained_share or 1.0,
        projected_rank=training.projected_rank or 0,
    )


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
    required = _required(workload, group)
    if required is not None:
        return [item for item in accepted if item.name == required]
    return accepted if any(item.baseline for item in known) else [None, *accepted]


def _stands_together(workload: Workload, choices: tuple[Choice, ...]) -> bool:
    """Quantized weights cannot be trained, only carry adapters; nothing is there that another excludes, and all is
    that another needs or the workload requires."""
    used = [item for item in choices if item]
    chosen = {item.name for item in used}
    groups = {item.group for item in used}
    frozen = workload.training is None or Group.ADAPTER in groups
    return (
        (frozen or Group.BASE_WEIGHTS not in groups)
        and chosen >= set(workload.techniques.require)
        and not any(item.excludes and (item.excludes & chosen or item.excludes & groups) for item in used)
        and all(need & chosen for item in used for need in item.needs)
    )


def _option(workload: Workload, framework: Framework, choices: tuple[Choice, ...], optional: set[Group]) -> Option:
    used = [item for item in choices if item]
    return Option(
        framework=framework,
        recipe=recipe_of(framework, [item.name for item in used], _settings(workload.training)),
        extra=sum(not item.baseline and item.group in optional for item in used),
    )
