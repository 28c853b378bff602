"""Which software runs the job, what can it do, and how does it keep its states?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from planner.recipe import Job, Recipe
from pricing.instance_type import Accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One training framework or serving engine.

    `vendors` are the accelerator vendors it runs on, `methods` the training methods it knows and
    `default_methods` those for which it is chosen where a workload names no framework. `degrees` are the kinds of
    parallelism it has, `techniques` those it offers by name, `piped_sharding` the sharding techniques that it
    combines with a pipeline. `replicates_kv` says that the tensor degree may exceed the key-value heads. `states`
    are the bytes per element with which it departs from the plain recipe. `logits_bytes` is what one logit takes
    at the peak of the loss, copies and gradient together. `tensor_degrees` are the only ones that it takes; None
    for any.
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
    logits_bytes: float
    source: str
    tensor_degrees: frozenset[int] | None = None

    def runs_on(self, accelerator: Accelerator) -> bool:
        """Whether the software runs on the accelerator at all."""
        return accelerator.vendor in self.vendors

    def plain_recipe(self) -> Recipe:
        """The recipe before any technique."""
        return replace(Recipe(), **self.states)  # type: ignore[arg-type]


@cache
def load_frameworks() -> dict[str, Framework]:
    """Every framework and engine by name."""
    adapter = TypeAdapter(Framework)
    folder = files("planner").joinpath("data/frameworks")
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        name = entry.name.removesuffix(".yaml")
        data = yaml.load(entry.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        found[name] = adapter.validate_python({"name": name, **data})
    return found
