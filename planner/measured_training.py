"""What configuration does a measured training run stand for?

Cells become the records that the planner itself works with. Where a cell is empty the software's own default
holds, never a figure fitted to the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import yaml
from msgspec import Struct

from planner.described import accelerator_called
from planner.errors import ModelError, PlannerError
from planner.framework import DEFAULT_FRAMEWORKS, Framework, load_frameworks
from planner.inline_shape import InlineShape
from planner.layout import Layout
from planner.measured import Row
from planner.models import load_preset
from planner.recipe import Adapter, AdapterTargets, Place, Recipe, Recompute
from planner.shape import ModelShape
from planner.software import Ran, Software, load_software, software_called, software_of_source
from planner.techniques import load_techniques
from pricing.records import replace
from pricing.units import GIB, GIGA

_UNITS = Path(__file__).with_name("data") / "measured" / "units.yaml"
# Bytes of a frozen weight, scales included: NF4 in blocks of 64 with a float32 scale, or a scale of 8 bits and a
# float32 in 256 of them (arXiv 2305.14314, section 3); GPTQ in groups of 128; LLM.int8() with a scale a row.
PACKED_BYTES = {
    "nf4": 0.5 + 4 / 64,
    "nf4-dq": 0.5 + 1 / 64 + 4 / (64 * 256),
    "int4": 0.5 + 2.5 / 128,
    "int8": 1.0 + 2 / 1024,
}
PLAIN_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0}
# bitsandbytes keeps inputs of products; GPTQ's kernels and LLM.int8() do not.
KEEPS_INPUTS = ("nf4", "nf4-dq")
# Options that are techniques of the planner.
OPTIONS = {
    "chunked_ce": "chunked-loss",
    "optimizer_in_backward": "optimizer-in-backward",
    "activation_offload": "activation-offload",
}
# fp8 and fp4 with a scale for each few elements: states as under fp8, products at rates of their own.
BLOCK_SCALED = ("mxfp8", "nvfp4")
ASYNC_TENSOR, LAYER_SPLIT = "async tp", "device_map"
ADAPTED = ("lora", "qlora", "adapter")
_RANK = re.compile(r"(?:lora_r ?=? ?|LoRA rank |LoRA r|\br ?= ?)(\d+)")
_MEAN_TOKENS = re.compile(r"mean length ~(\d+)")
# The longest sample of a data set of articles over the mean one, where the notes give the mean alone.
LONGEST_OVER_MEAN = 1.6
_TARGETS = re.compile(r"target=\[([^]]*)\]")


class TrainingCase(Struct, frozen=True, kw_only=True):
    """A measured run in the planner's own records.

    `kind` is the kind of memory that was measured, `unit_bytes` what the source counts memory in: GiB but for those
    that data/measured/units.yaml names. `speed` is the class of software whose time factors hold.
    """

    row: Row
    shape: ModelShape
    recipe: Recipe
    framework: Framework
    layout: Layout
    sequence_tokens: int
    kind: str
    speed: str
    unit_bytes: int = GIB


def training_case(row: Row) -> TrainingCase:
    """The configuration of a row. Raises PlannerError with what its cells lack for a prediction."""
    if not row.count("seq_len"):
        raise PlannerError(["seq_len not stated"])
    shape = row_shape(row)
    software = software_of(row)
    software = software.of_run(Ran(**{name: row.says(name) for name in ("model", "notes", "technique", "sharding")}))
    software = {"yes": software.as_compiled(), "no": software}.get(row.says("compiled"), software.by_default())
    framework = replace(load_frameworks()[software.framework], software=software)
    return TrainingCase(
        row=row,
        shape=shape,
        recipe=_recipe(row, framework),
        framework=framework,
        layout=_layout(row),
        sequence_tokens=_longest_tokens(row),
        kind=row.says("memory_kind", "unknown"),
        speed=_speed(row, software),
        unit_bytes=int(GIGA) if row.says("source") in _decimal_sources() else GIB,
    )


def unit_notes(rows: Iterable[Row]) -> list[str]:
    """A sentence for each source that prints another unit than its column's name says."""
    decimal = _decimal_sources()
    named = dict.fromkeys(row.says("source") for row in rows if "seq_len" in row.numbers)
    return [
        f"{name} counts memory in units of 10^9 bytes: its rows are given in these. {decimal[name]}"
        for name in named
        if name in decimal
    ]


@cache
def _decimal_sources() -> Mapping[str, str]:
    """Sources that print gigabytes of 10^9 bytes, with what shows it."""
    known: dict[str, dict[str, str]] = yaml.load(_UNITS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return known["decimal"]


def _speed(row: Row, software: Software) -> str:
    """The class of software that decides speed: without torch.compile, and with tensor-parallel products cut into
    pieces so that traffic hides behind them, the same program is another one."""
    if software.compiles and row.says("compiled") == "no":
        return f"{software.name}-eager"
    if software.compiles and ASYNC_TENSOR in row.says("notes").lower():
        return f"{software.name}-async"
    return software.name


def _longest_tokens(row: Row) -> int:
    """Tokens of the longest sequence: the stated length, or less where samples are known to be shorter."""
    mean = _MEAN_TOKENS.search(row.says("notes"))
    longest = int(LONGEST_OVER_MEAN * int(mean.group(1))) if mean else row.count("seq_len")
    return min(row.count("seq_len"), longest)


def software_of(row: Row) -> Software:
    """The class of software of a row: by who published it, by name, else the default for what the run does."""
    found = software_of_source(row.says("source")) or software_called(row.says("software"))
    found = found or software_called(row.says("source").rpartition("/")[2])
    if found:
        return found
    method = row.says("technique", "full")
    adapted = DEFAULT_FRAMEWORKS["lora"] if method in ADAPTED else DEFAULT_FRAMEWORKS.get(method, "")
    # ZeRO-3 is not Megatron's.
    named = "torchtitan" if adapted == "megatron" and row.says("sharding") == "zero3" else adapted
    trains = [item for item in load_frameworks().values() if item.software.framework]
    # Of a maker for which no software here is known, the runs are taken for those of NVIDIA's.
    vendor = _vendor(row)
    runs = [item for item in trains if vendor in item.vendors] or [item for item in trains if "NVIDIA" in item.vendors]
    framework = next((item for item in runs if item.name == named), runs[0])
    return load_software()[framework.software.name]


def _vendor(row: Row) -> str:
    try:
        return accelerator_called(row.says("accelerator")).vendor
    except PlannerError:
        return "NVIDIA"


def row_shape(row: Row) -> ModelShape:
    """The model's shape, by the widths in the cells or by its name. Raises PlannerError with what is missing."""
    needed = ("layers", "hidden", "ffn", "heads", "vocab")
    if not all(row.count(name) for name in needed):
        try:
            return load_preset(row.says("model"))
        except ModelError:
            missing = ", ".join(name for name in needed if not row.count(name))
            raise PlannerError([f"{missing} not stated, and no preset is called {row.says('model')!r}"]) from None
    if row.count("experts") and (preset := _preset_of(row)):
        # The column for the inner width holds that of dense blocks; experts' widths have none.
        return preset
    gated = row.says("mlp", "gated") == "gated"
    fields = {
        "norms": _norms(row),
        "layers": row.count("layers"),
        "hidden": row.count("hidden"),
        "ffn": row.count("ffn"),
        "heads": row.count("heads"),
        "kv_heads": row.count("kv_heads") or None,
        "head_width": row.count("head_dim") or None,
        "vocab": row.count("vocab"),
        "context_tokens": row.count("seq_len"),
        "gated": gated,
        "tied_embeddings": row.says("tied_embeddings") == "yes",
        "experts": row.count("experts"),
        "experts_per_token": row.count("experts_per_token"),
        "norm_bias": not gated,
        "qkv_bias": not gated,
        "output_bias": not gated,
        "mlp_bias": not gated,
    }
    return InlineShape.checked(fields, row.id).to_shape(row.says("model", row.id))


def _norms(row: Row) -> int:
    """Norms of a block, which no column tells: those of the preset that has the row's name and size, else two."""
    preset = _preset_of(row)
    return preset.blocks[0].norms if preset else 2


def _preset_of(row: Row) -> ModelShape | None:
    """The preset that has the row's name, width and depth."""
    try:
        preset = load_preset(row.says("model").replace("_", "-"))
    except ModelError:
        return None
    return preset if (preset.hidden, preset.layers) == (row.count("hidden"), row.count("layers")) else None


def _recipe(row: Row, framework: Framework) -> Recipe:
    recipe = framework.plain_recipe()
    computed = row.says("compute_dtype", "bf16")
    precision = {"mxfp8": "fp8", "nvfp4": "fp8", "tf32": "fp32"}.get(computed, computed)
    adapter = _adapter(row, framework.software) if row.says("technique") in ADAPTED else None
    recipe = replace(recipe, adapter=adapter)
    for name in (precision, *_optimizer(row), *_sharding(row, framework)):
        recipe = load_techniques()[name].apply(recipe)
    recipe = replace(recipe, **framework.software.states.get(precision, {}))  # type: ignore[arg-type]
    if computed in BLOCK_SCALED:
        recipe = replace(recipe, compute_dtype=computed)
    recipe = _weights(row, recipe, framework)
    return _options(row, recipe, framework.software)


def _optimizer(row: Row) -> list[str]:
    name = row.says("optimizer", "adamw")
    return [name] if name in load_techniques() else []


def _sharding(row: Row, framework: Framework) -> list[str]:
    """The technique that a cell's sharding is: FSDP with float32 weights where the framework has no ZeRO-3, and the
    framework's default where the cell is empty."""
    if not row.says("sharding"):
        return [framework.default_sharding] if framework.default_sharding else []
    name = row.says("sharding").removesuffix("-offload")
    if name == "zero3" and "zero3" not in framework.techniques:
        return ["fsdp"]
    return [name] if name in ("zero1", "zero2", "zero3", "fsdp") else []


def _weights(row: Row, recipe: Recipe, framework: Framework) -> Recipe:
    """What weights take, and the states that hang on it."""
    dtype = row.says("weight_dtype")
    dtype = "nf4-dq" if dtype == "nf4" and framework.software.adapting.doubly_quantizes else dtype
    if dtype in PACKED_BYTES:
        return replace(
            recipe,
            block_weight_bytes=PACKED_BYTES[dtype],
            dequantizes=True,
            keeps_packed_inputs=dtype in KEEPS_INPUTS,
        )
    if dtype not in PLAIN_BYTES:
        return recipe
    size = PLAIN_BYTES[dtype]
    recipe = replace(recipe, block_weight_bytes=size, outer_weight_bytes=size)
    if recipe.adapter is None and size == 2.0 and framework.name != "megatron":
        # 16-bit weights without a master copy: gradients and, in torch.optim, moments are 16 bits wide too.
        recipe = replace(recipe, gradient_bytes=2.0, master_bytes=0.0)
        if row.says("optimizer", "adamw") == "adamw" and framework.name != "deepspeed":
            recipe = load_techniques()["adamw-bf16"].apply(recipe)
    if size == 4.0:
        # The float32 weight is the master copy; autocast keeps a 16-bit one unless FSDP makes it.
        cast = 0.0 if recipe.gathers_weights or recipe.activation_bytes == 4.0 else 2.0
        recipe = replace(recipe, master_bytes=0.0, gradient_bytes=4.0, cast_weight_bytes=cast)
    return recipe


def _options(row: Row, recipe: Recipe, software: Software) -> Recipe:
    offloaded = row.says("sharding").endswith("offload")
    for option in row.says("options").split("+"):
        if option in OPTIONS:
            recipe = load_techniques()[OPTIONS[option]].apply(recipe)
    return replace(
        recipe,
        recompute=Recompute(row.says("recompute", "none")),
        reduce_bytes=2.0 if "reduce_bf16" in row.says("options").split("+") else recipe.reduce_bytes,
        sequence_sharded=software.stepping.sequence_sharded,
        score_share=1.0 if row.says("attention") == "naive" else 0.0,
        optimizer_place=Place.HOST if offloaded else Place.DEVICE,
        weights_place=Place.HOST if offloaded and "zero3" in row.says("sharding") else Place.DEVICE,
    )


def _adapter(row: Row, software: Software) -> Adapter:
    notes = row.says("notes")
    rank = _RANK.search(notes)
    return Adapter(
        rank=int(rank.group(1)) if rank else software.adapting.rank,
        targets=_targets(notes) or AdapterTargets(software.adapting.targets),
        outer="trainable embed/head" in notes,
        parameters=row.count("trainable_params"),
    )


def _targets(notes: str) -> AdapterTargets | None:
    """The matrices that notes name; None where they name none."""
    if "target ALL" in notes:
        return AdapterTargets.ALL_LINEAR
    found = _TARGETS.search(notes)
    if not found:
        return None
    named = found.group(1)
    mlp, attention = "_proj'" in named and ("up_proj" in named or "gate_proj" in named), "q_proj" in named
    if mlp:
        return AdapterTargets.ALL_LINEAR if attention else AdapterTargets.MLP
    return AdapterTargets.ATTENTION if "o_proj" in named else AdapterTargets.QUERY_VALUE


def ranks_of(row: Row) -> int:
    """Devices that frameworks count on one of the row's accelerators: NeuronCores on a chip, else one."""
    try:
        return accelerator_called(row.says("accelerator")).ranks
    except PlannerError:
        return 1


def splits_layers(row: Row) -> bool:
    """Whether layers are spread over devices that work one after the other (Transformers' device_map)."""
    return row.says("sharding").startswith(LAYER_SPLIT)


def _layout(row: Row) -> Layout:
    count, micro = row.count, row.count("micro_batch", Layout().micro_batch)
    tensor, pipeline, context = count("tp", 1), count("pp", 1), count("cp", 1)
    devices = count("accelerators", 1) * ranks_of(row)
    if splits_layers(row):
        # One micro-batch at a time, whose activations are on each device as far as its layers are.
        pipeline = max(devices // (tensor * context * count("dp", 1)), 1)
        return Layout(tensor=tensor, context=context, pipeline=pipeline, data=count("dp", 1), micro_batch=micro)
    data = count("dp") or max(devices // (tensor * pipeline * context), 1)
    return Layout(
        tensor=tensor,
        pipeline=pipeline,
        virtual=count("vp", 1) or 1,
        context=context,
        expert=_expert_degree(count("ep", 1) or 1, data * context, tensor),
        data=data,
        micro_batch=micro,
        micro_batches=max(count("global_batch", micro * data) // (micro * data), 1),
    )


def _expert_degree(degree: int, ranks: int, tensor: int) -> int:
    """The expert degree inside data and context ranks.

    Megatron-Core can spread experts over tensor ranks too, each whole (expert tensor parallelism of 1): a device then
    holds as much as where they are split over the tensor ranks and spread over the others alone.
    """
    return degree // tensor if ranks % degree and degree % tensor == 0 else degree
