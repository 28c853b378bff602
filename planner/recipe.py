"""Which optimizations are on, and what do they make of the model?

A Recipe is the state of all of them. A Technique is one of them: a record with a function from Recipe to
Recipe. Memory, time and cost read the recipe only; none of them asks whether a technique is on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Accuracy(StrEnum):
    """What an optimization costs in accuracy, from nothing upward; accepting one accepts those before it."""

    EXACT = "exact"
    ADAPTER = "adapter"
    QUANTIZED = "quantized"
    APPROXIMATE = "approximate"

    @property
    def rank(self) -> int:
        """Place in the order, 0 for no loss."""
        return list(Accuracy).index(self)


class Job(StrEnum):
    """What is done with the model."""

    TRAINING = "training"
    INFERENCE = "inference"


class Group(StrEnum):
    """Questions that a recipe answers once each; a recipe has at most one technique of a group."""

    PRECISION = "precision"
    ADAPTER = "adapter"
    BASE_WEIGHTS = "base weights"
    OPTIMIZER = "optimizer"
    SHARDING = "sharding"
    RECOMPUTE = "recompute"
    KV_CACHE = "kv cache"


class Recompute(StrEnum):
    """What of the forward pass is done again in the backward pass."""

    NONE = "none"
    SELECTIVE = "selective"
    FULL = "full"


class AdapterTargets(StrEnum):
    """Which matrices have adapters."""

    ALL_LINEAR = "all-linear"
    ATTENTION = "attention"
    QUERY_VALUE = "query-value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Low-rank adapters: their rank and which matrices have them."""

    rank: int = 16
    targets: AdapterTargets = AdapterTargets.ALL_LINEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How parameters, gradients, states, activations and caches are kept. Bytes per element.

    `block_weight_bytes` is what a weight inside the blocks takes, scales included; `outer_weight_bytes` a
    weight of the embeddings, the head and the norms. `gradient_bytes`, `master_bytes` and `optimizer_bytes`
    are per trained parameter. The `*_sharded` flags say what the data-parallel ranks divide among them;
    `gathers_weights` that blocks are gathered before use, each `gathered_weight_bytes` an element.
    `dequantizes` says that a block's weights are unpacked before use. `adapter` is None where all weights are
    trained, or where nothing is.
    """

    compute_dtype: str = "bf16"
    activation_bytes: float = 2.0
    block_weight_bytes: float = 2.0
    outer_weight_bytes: float = 2.0
    gathered_weight_bytes: float = 2.0
    gradient_bytes: float = 2.0
    master_bytes: float = 4.0
    optimizer_bytes: float = 8.0
    weights_sharded: bool = False
    gradients_sharded: bool = False
    optimizer_sharded: bool = False
    gathers_weights: bool = False
    dequantizes: bool = False
    adapter: Adapter | None = None
    recompute: Recompute = Recompute.NONE
    kv_bytes: float = 2.0
    accuracy: Accuracy = Accuracy.EXACT
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """One optimization. `baseline` marks what a group is without optimizing: it adds no rung of its own.

    `gist` says in a few words what it does; `source` is the paper or manual that its numbers come from.
    `unasked` says whether the planner may choose it where the user is silent.
    """

    name: str
    group: Group
    jobs: frozenset[Job]
    accuracy: Accuracy
    apply: Callable[[Recipe], Recipe]
    gist: str
    source: str
    baseline: bool = False
    unasked: bool = True
