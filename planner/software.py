"""What does each software keep of a training step, operation by operation?

The same model, trained by the same technique, takes memory by how its operations are written: an eager norm keeps
a float32 copy, a compiled one its 16-bit input; one program keeps five copies of its logits, another a chunk of
one. All of that is data, a file for each class of software under data/software, read from the programs' sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from msgspec import Struct, convert, field

from pricing.records import replace


class Operations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What operations keep for the backward pass. Bytes, and rows of a width.

    `norm_bytes` is kept of each element that enters an RMSNorm, `layer_norm_bytes` a LayerNorm, `gated_rows` rows
    of the inner width by a gated activation beside its product. `expands_kv` says that keys and values are copied
    to the number of query heads; `packs_qkv` that values are a view of the fused projection, which stays whole
    where there is no copy. `score_bytes` is kept for each head and pair of tokens by attention that is not fused;
    `keeps_scores` says that it never is (softcapped scores). `logits_bytes` is what one logit takes at the peak of
    the loss, copies and gradient together; `packed_logits_bytes` where the base is packed integers and runs in fp16
    without autocast, `chunked_logits_bytes` where the loss is taken in chunks.
    """

    norm_bytes: float = 2.0
    layer_norm_bytes: float = 2.0
    gated_rows: int = 2
    expands_kv: bool = False
    packs_qkv: bool = False
    score_bytes: float = 4.0
    keeps_scores: bool = False
    logits_bytes: float = 10.0
    packed_logits_bytes: float | None = None
    chunked_logits_bytes: float = 2.0


class Adapting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How adapters and the frozen base beneath them are kept. Bytes.

    `weight_bytes`, `gradient_bytes` and `state_bytes` are those of one adapter parameter (trained copies of embedding
    and head keep the base's width in weights, gradients and both moments); `dropped_bytes` is kept
    of each element that enters an adapter: the dropped-out copy and its mask, or the 16-bit input itself.
    `packed_input_bytes` is kept of each element that enters a frozen 4-bit product. `upcasts_outer` says that
    embeddings, head and norms of a packed base are kept in float32, and logits with them, `doubly_quantizes` that
    scales of 4-bit weights are always packed too. `targets` are the matrices adapted where nothing is said, `rank`
    the rank. `step_bytes` are temporaries of the optimizer's step, `copy_step_bytes` those of trained copies.
    """

    weight_bytes: float = 4.0
    gradient_bytes: float = 4.0
    state_bytes: float = 8.0
    dropped_bytes: float = 2.0
    packed_input_bytes: float = 2.0
    upcasts_outer: bool = False
    doubly_quantizes: bool = False
    targets: str = "all-linear"
    rank: int = 16
    step_bytes: float = 0.0
    copy_step_bytes: float = 2.0


class Stepping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a step holds beside the recipe's own states. Bytes for each trained parameter of the device, or sizes.

    `keeps_gradients` says that gradients have buffers that live as long as the run, `accumulates_whole` that those of
    sharded parameters are reduced once a step, and whole until then. `step_bytes` are temporaries of
    the optimizer's step, `shard_bytes` a float32 copy of the gradients that the sharded step works on.
    `sequence_sharded` says that what tensor parallelism leaves whole (norms, residuals) is split along the
    sequence. `stage_copies` are rows of the hidden width that each micro-batch in flight has beside its blocks'
    inputs (what it received, what it sends), `extra_in_flight` micro-batches beyond the schedule's.
    `ends_as_blocks` says that embedding and head count as blocks where the pipeline is cut. `gathers_outer` says
    that embedding and head are gathered whole beside the blocks. `bucket_elements` is how many 16-bit elements of
    buckets the engine allocates at its first backward pass, however few it reduces, `further_communicators` how many
    it opens beside one for each kind of parallelism. `varies_lengths` says that batches are as long as their longest
    sample, so that sizes differ from step to step.
    """

    keeps_gradients: bool = False
    accumulates_whole: bool = False
    step_bytes: float = 0.0
    shard_bytes: float = 0.0
    sequence_sharded: bool = True
    stage_copies: int = 0
    extra_in_flight: int = 0
    varies_lengths: bool = False
    ends_as_blocks: bool = False
    gathers_outer: bool = False
    bucket_elements: int = 0
    further_communicators: int = 0


class Products(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What products in a narrow type keep inside the blocks. Bytes of an element.

    `weight_copy_bytes` is what copies of a weight in that type take beside the weight itself, `input_bytes` what is
    kept of an input; None where the input is kept as it came.
    """

    weight_copy_bytes: float = 0.0
    input_bytes: float | None = None


class Ran(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells one run of a class of software from another, as measured files write it."""

    model: str = ""
    notes: str = ""
    technique: str = ""
    sharding: str = ""


class Variant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs in runs of some models, of some techniques or shardings, or in runs that their notes mark (a later
    release, another recipe)."""

    notes: str = ""
    models: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    shardings: tuple[str, ...] = ()
    operations: Mapping[str, Any] = field(default_factory=dict)
    adapting: Mapping[str, Any] = field(default_factory=dict)
    stepping: Mapping[str, Any] = field(default_factory=dict)

    def applies(self, run: Ran) -> bool:
        """Whether this run is meant."""
        named = not self.models or run.model.lower().startswith(self.models)
        done = not self.techniques or run.technique in self.techniques
        sharded = not self.shardings or run.sharding in self.shardings
        return named and done and sharded and self.notes.lower() in run.notes.lower()


class Software(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One class of training software.

    `names` are those that measured files call it by, `sources` publishers whose runs it is by whatever name;
    `framework` is the planner's framework for what it can do.
    `compiled` are the operations that torch.compile changes, `compiles` whether it is on by default. `states` are
    bytes per element with which it departs from the framework's recipe, by precision, `products` what products in a
    narrow type keep, by that type; software that casts anew for each product (torchao) has none. `earlier` are classes
    that are earlier releases of the same software, or forks of them.
    """

    name: str
    title: str
    framework: str
    source: str
    names: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()
    operations: Operations = Operations()
    compiles: bool = False
    compiled: Mapping[str, Any] = field(default_factory=dict)
    adapting: Adapting = Adapting()
    stepping: Stepping = Stepping()
    states: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    products: Mapping[str, Products] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    earlier: tuple[str, ...] = ()

    def of_run(self, run: Ran) -> Software:
        """The software as this run had it."""
        found = self
        for variant in self.variants:
            if variant.applies(run):
                found = replace(
                    found,
                    operations=replace(found.operations, **variant.operations),
                    adapting=replace(found.adapting, **variant.adapting),
                    stepping=replace(found.stepping, **variant.stepping),
                )
        return found

    def products_in(self, compute_dtype: str) -> Products:
        """What products in that type keep."""
        return self.products.get(compute_dtype, Products())

    def by_default(self) -> Software:
        """The software as its makers run it."""
        return self.as_compiled() if self.compiles else self

    def as_compiled(self) -> Software:
        """The same software under torch.compile."""
        return replace(self, operations=replace(self.operations, **self.compiled))


@cache
def load_software() -> Mapping[str, Software]:
    """Every class of software by its name."""
    names = (entry.name.removesuffix(".yaml") for entry in _folder().iterdir() if entry.name.endswith(".yaml"))
    return {name: load_class(name) for name in sorted(names)}


@cache
def load_class(name: str) -> Software:
    """One class of software; a plan reads those of its frameworks alone."""
    data = yaml.load(_folder().joinpath(f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return convert({"name": name, **data}, Software)


def _folder() -> Traversable:
    return files("planner").joinpath("data/software")


def software_called(name: str) -> Software | None:
    """The class that measured files call `name`; None where nobody has described it."""
    wanted = name.lower()
    return next((item for item in load_software().values() if wanted == item.name or wanted in item.names), None)


def software_of_source(source: str) -> Software | None:
    """The class whose runs a publisher's are; None where its name decides."""
    return next((item for item in load_software().values() if item.sources and source.startswith(item.sources)), None)
