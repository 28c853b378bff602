"""Which framework, techniques and layout does a pinned configuration come to, its own words and defaults together?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import asdict

from planner.described import accelerator_called
from planner.framework import DEFAULT_FRAMEWORKS, Framework, load_frameworks
from planner.layout import Layout
from planner.pinned_file import AcceleratorPart, InferencePart, PinnedFile, TrainingPart
from planner.recipe import Adapter, Group, Job, Place, Recipe
from planner.recipes import Settings, recipe_of
from planner.serving_memory import KV_BYTES, WEIGHT_BYTES
from planner.software import load_software
from planner.techniques import load_techniques
from pricing.instance_type import Accelerator
from pricing.records import replace

# Whose software and factors stand for those of makers that nobody measured.
NVIDIA = "NVIDIA"
# What stands for the framework of a served configuration: programs without a pool of cache blocks.
SERVED = "eager"
OTHER_FRAMEWORKS = ("huggingface", "deepspeed", "megatron", "torchtitan", "torchtune", "neuron")


class Taken(Struct, frozen=True, kw_only=True):
    """What an estimate was made for: `techniques` are all, `defaults` those of them that the file did not name.

    `settings` are named numbers and types beside them: degrees, adapter rank, places.
    """

    method: str
    framework: str
    software: str
    techniques: tuple[str, ...]
    defaults: tuple[str, ...]
    settings: tuple[tuple[str, str | int | float], ...]
    schedule: str | None = None


def accelerator_of(pinned: PinnedFile) -> Accelerator:
    """The accelerator that the file names or describes. Raises PlannerError where nobody knows it."""
    given = pinned.accelerator
    return given.to_accelerator() if isinstance(given, AcceleratorPart) else accelerator_called(given)


def training_frameworks() -> dict[str, Framework]:
    """Frameworks that train, by name, and classes of software, each with the framework that it belongs to."""
    known = {item.name: item for item in load_frameworks().values() if item.job is Job.TRAINING}
    classes = {
        name: replace(known[item.framework], software=item.by_default()) for name, item in load_software().items()
    }
    return classes | known


def frameworks_on(chip: Accelerator | None) -> dict[str, Framework]:
    """Those of `training_frameworks` that run on the accelerator; all of them where nobody knows it.

    On one whose maker no framework here names, the ones for NVIDIA's (`is_foreign`); one that the file describes is
    known by its maker alone.
    """
    known = training_frameworks()
    if chip is None:
        return known
    maker = NVIDIA if is_foreign(chip) else chip.vendor
    described = not chip.sources
    return {
        name: item
        for name, item in known.items()
        if maker in item.vendors and (described or item.accelerators is None or chip.name in item.accelerators)
    }


def is_foreign(chip: Accelerator) -> bool:
    """Whether no framework here is known to train on accelerators of this maker: it is estimated as an NVIDIA one."""
    return all(chip.vendor not in item.vendors for item in training_frameworks().values())


def framework_of(part: TrainingPart, chip: Accelerator | None) -> Framework:
    """The framework named, or of those that run on the accelerator the method's default, or the first of the others
    that offers all techniques. The method's default too where none runs, which is a finding (planner.pinned_faults)."""
    known, running = training_frameworks(), frameworks_on(chip)
    if part.framework:
        return known[part.framework]
    usual = DEFAULT_FRAMEWORKS[part.method]
    able = [running[name] for name in (usual, *OTHER_FRAMEWORKS) if name in running]
    able = [item for item in able if part.method in item.methods] or [known[usual]]
    return next((item for item in able if item.techniques >= set(part.techniques)), able[0])


def default_techniques(part: TrainingPart, framework: Framework) -> tuple[str, ...]:
    """One technique for each question that the named ones leave open and the software cannot do without."""
    known = load_techniques()
    groups = {known[name].group for name in part.techniques}
    defaults = {Group.PRECISION: "bf16", Group.OPTIMIZER: "adamw"}
    defaults |= {Group.ADAPTER: "lora"} if adapts(part) else {}
    defaults |= {Group.BASE_WEIGHTS: "nf4"} if part.method == "qlora" else {}
    # Software that cannot do without sharding.
    defaults |= {Group.SHARDING: framework.default_sharding} if framework.default_sharding else {}
    return tuple(name for group, name in defaults.items() if group not in groups)


def adapts(part: TrainingPart) -> bool:
    """Whether adapters are trained on a frozen model."""
    return part.method in ("lora", "qlora")


def layout_of(pinned: PinnedFile, part: TrainingPart, chip: Accelerator) -> Layout:
    """The layout: data parallelism takes the devices that the other degrees leave, one at least."""
    devices = pinned.accelerators * chip.ranks
    return Layout(
        tensor=part.tensor,
        pipeline=part.pipeline,
        virtual=part.virtual,
        context=part.context,
        expert=part.expert,
        data=max(devices // (part.tensor * part.pipeline * part.context), 1),
        micro_batch=part.micro_batch,
        micro_batches=part.micro_batches,
    )


def training_recipe(part: TrainingPart, framework: Framework) -> Recipe:
    """The framework's recipe with all techniques, named and by default."""
    names = (*part.techniques, *default_techniques(part, framework))
    settings = Settings(
        adapter=Adapter(rank=part.lora.rank, targets=part.lora.targets, tokens=part.lora.tokens),
        trained_share=part.trained_share or 1.0,
        projected_rank=part.projected_rank or 0,
    )
    return replace(recipe_of(framework, names, settings), expert_capacity=part.capacity_factor or 0.0)


def served_recipe(part: InferencePart) -> Recipe:
    """Types and places as the file gives them, and what its techniques make of them."""
    recipe = Recipe(
        block_weight_bytes=WEIGHT_BYTES[part.weights],
        kv_bytes=KV_BYTES[part.kv],
        weights_place=Place(part.weights_on),
        kv_place=Place(part.kv_on),
    )
    for name in part.techniques:
        recipe = load_techniques()[name].apply(recipe)
    return recipe


def told_by_fields(part: InferencePart) -> dict[Group, str]:
    """What the fields of a served configuration answer, by the group of techniques that would answer it too."""
    return {
        Group.BASE_WEIGHTS: part.weights,
        Group.KV_CACHE: part.kv,
        Group.WEIGHTS_PLACE: part.weights_on,
        Group.CACHE_PLACE: part.kv_on,
    }


def taken_in_training(part: TrainingPart, framework: Framework, recipe: Recipe, layout: Layout) -> Taken:
    """What a training step was estimated for."""
    defaults = (*default_techniques(part, framework), *_plain(framework, recipe))
    settings: dict[str, str | int | float] = asdict(layout)
    if recipe.adapter:
        settings |= {"adapter_rank": recipe.adapter.rank, "adapter_targets": str(recipe.adapter.targets)}
    settings |= {"trained_share": recipe.trained_share} if recipe.trained_share < 1 else {}
    settings |= {"projected_rank": recipe.projected_rank} if recipe.projected_rank else {}
    settings |= {"capacity_factor": recipe.expert_capacity} if recipe.expert_capacity else {}
    settings |= {"sequence_length": part.sequence_length}
    interleaved = "interleaved " if layout.virtual > 1 else ""
    return Taken(
        method=part.method,
        framework=framework.name,
        software=framework.software.name,
        techniques=(*part.techniques, *defaults),
        defaults=defaults,
        settings=tuple(settings.items()),
        schedule=f"{interleaved}{recipe.schedule}" if layout.pipeline > 1 else None,
    )


def _plain(framework: Framework, recipe: Recipe) -> Iterator[str]:
    """What the recipe does in the groups of which it has no technique: baselines that would leave it as it is."""
    known = load_techniques()
    answered = {known[name].group for name in recipe.techniques}
    for item in known.values():
        offered = item.baseline and item.name in framework.techniques
        if offered and item.group not in answered and item.apply(recipe) == recipe:
            yield item.name


def taken_in_serving(part: InferencePart, devices: int) -> Taken:
    """What serving was estimated for."""
    groups = {load_techniques()[name].group for name in part.techniques}
    told = {str(group).replace(" ", "_"): given for group, given in told_by_fields(part).items() if group not in groups}
    return Taken(
        method="inference",
        framework=SERVED,
        software=part.program or "default",
        techniques=part.techniques,
        defaults=(),
        settings=(
            ("devices", devices),
            ("sequences", part.sequences),
            ("input_tokens", part.input_tokens),
            ("output_tokens", part.output_tokens),
            *told.items(),
        ),
    )


def not_offered(framework: Framework, names: Sequence[str], layout: Layout) -> tuple[str, ...]:
    """Notes on techniques and degrees that the framework does not have: priced as though it had."""
    lacking = [name for name in names if name not in framework.techniques]
    counted = {"data", "micro_batch", "micro_batches"}
    lacking += [
        f"the {name} degree"
        for name, value in asdict(layout).items()
        if value > 1 and name not in framework.degrees | counted
    ]
    return tuple(f"{framework.name} does not offer {name}: priced as though it did" for name in lacking)
