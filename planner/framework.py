"""Which software runs the job, what can it do, and how does it keep its states?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from msgspec import Struct, convert, field
from msgspec.structs import asdict

from planner.layout import Layout
from planner.recipe import Job, Recipe
from planner.shape import ModelShape
from planner.software import Software, load_class
from pricing.instance_type import Accelerator
from pricing.records import replace

# The framework of a configuration that names none, by training method; AWS's own accelerators have one of their own.
DEFAULT_FRAMEWORKS = {"pretrain": "megatron", "full": "torchtitan", "lora": "huggingface", "qlora": "huggingface"}
# What an engine that trains nothing has.
_NONE = Software(name="none", title="", framework="", source="")
OPT_SPARE_ROWS = 2


class Streaming(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an engine works with weights or a cache that lie off the device (planner.streamed_time).

    Weights that were read serve up to `batches_per_block` batches before the next layer's come (FlexGen's zig-zag
    block schedule). `overlaps` says that reading, copying and computing go on at once, `splits` that weights can lie
    in several places, so that what the device and the host have room for stays there (FlexGen's --percent).
    """

    batches_per_block: int
    overlaps: bool
    splits: bool = False


class Framework(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training framework or serving engine.

    `vendors` are the accelerator vendors it runs on, `methods` the training methods it knows and
    `default_methods` those for which it is chosen where a workload names no framework. `degrees` are the kinds of
    parallelism it has, `techniques` those it offers by name, `piped_sharding` the sharding techniques that it
    combines with a pipeline. `replicates_kv` says that the tensor degree may exceed the key-value heads. `states`
    are the bytes per element with which it departs from the plain recipe. `software` is what its operations keep
    in training; engines have none. `tensor_degrees` are the only ones that it takes, `accelerators` the only ones
    that it runs on, whole or sliced; None for any (of its vendors). `latent_attention` says whether it has that (MLA).
    Of a mixture of experts `spreads_all_experts` says that experts are whole on all ranks or cut on all of them, and
    `data_over_all` that attention has as many data ranks as devices, or one (planner.serving_layouts); `flags` are the
    words by which an engine is told a degree beyond 1. `hands_over` names what hands a prompt's cache from
    one replica to another, where the engine has that; "" where it has not.
    `opt_only` keeps models out that are not built as OPT is. `streaming` engines answer batch jobs with
    weights or cache off the device; None for all others. `by_name_only` keeps an engine out of plans that name none; a
    technique in `needs_rate` only runs where the accelerator has products of that type. `features` are what an engine
    offers beyond answering prompts (planner.serving_fields.FEATURES).
    """

    name: str
    title: str
    job: Job
    vendors: frozenset[str]
    methods: frozenset[str]
    default_methods: frozenset[str]
    degrees: frozenset[str]
    techniques: frozenset[str]
    piped_sharding: frozenset[str]
    replicates_kv: bool
    states: Mapping[str, float]
    source: str
    software: Software = _NONE
    tensor_degrees: frozenset[int] | None = None
    accelerators: frozenset[str] | None = None
    latent_attention: bool = True
    opt_only: bool = False
    streaming: Streaming | None = None
    by_name_only: bool = False
    features: frozenset[str] = frozenset()
    spreads_all_experts: bool = False
    data_over_all: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)
    hands_over: str = ""
    needs_rate: Mapping[str, str] = field(default_factory=dict)

    def runs_on(self, accelerator: Accelerator) -> bool:
        """Whether the software runs on the accelerator at all."""
        return accelerator.vendor in self.vendors and (
            self.accelerators is None or accelerator.name.partition("/")[0] in self.accelerators
        )

    @property
    def default_sharding(self) -> str | None:
        """The sharding technique of a run that names none: FSDP where software cannot do without."""
        return None if "replicated" in self.techniques else "fsdp"

    def lacks(self, shape: ModelShape) -> str:
        """Why the software does not run a model of such layers, as what it does; "" where it runs it."""
        if not self.latent_attention and any(run.attention.latent for run in shape.blocks):
            return f"has no latent attention, which {shape.name} is made of"
        # OPT keeps two unused rows of positions; no other decoder does.
        if self.opt_only and (shape.positions != shape.context_tokens + OPT_SPARE_ROWS or shape.stacks > 1):
            return f"runs models of OPT's build alone, and {shape.name} is none"
        return ""

    def told(self, layout: Layout) -> str:
        """The words by which the engine is told a layout; `ranks` are tensor x data."""
        degrees = {**asdict(layout), "ranks": layout.tensor * layout.data}
        return " ".join(words.format(**degrees) for name, words in self.flags.items() if degrees[name] > 1)

    def plain_recipe(self) -> Recipe:
        """The recipe before any technique."""
        return replace(Recipe(), **self.states)  # type: ignore[arg-type]


@cache
def load_frameworks() -> dict[str, Framework]:
    """Every framework and engine by name."""
    folder = files("planner").joinpath("data/frameworks")
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        name = entry.name.removesuffix(".yaml")
        data = yaml.load(entry.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        software = load_class(data.pop("software")) if "software" in data else _NONE
        found[name] = replace(convert({"name": name, **data}, Framework), software=software.by_default())
    return found
