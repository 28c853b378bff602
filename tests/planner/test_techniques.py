"""Does each technique change what it says, and nothing else?"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from planner import techniques
from planner.framework import load_frameworks
from planner.layout import Layout
from planner.recipe import (
    Accuracy,
    Adapter,
    AdapterKind,
    AdapterTargets,
    Group,
    Job,
    Place,
    Recipe,
    Recompute,
    Schedule,
    Technique,
)
from planner.techniques import load_techniques
from pricing.records import replace

EVERY = pytest.mark.parametrize("technique", load_techniques().values(), ids=lambda item: item.name)

# What recipes of each group may differ in; precision may reach anything that has a type.
TOUCHED = {
    Group.PRECISION: {
        "compute_dtype",
        "activation_bytes",
        "block_weight_bytes",
        "outer_weight_bytes",
        "gathered_weight_bytes",
        "gradient_bytes",
        "master_bytes",
        "kv_bytes",
    },
    Group.ADAPTER: {"adapter"},
    Group.BASE_WEIGHTS: {"block_weight_bytes", "dequantizes", "keeps_packed_inputs", "compute_dtype"},
    Group.OPTIMIZER: {
        "optimizer_bytes",
        "outer_optimizer_bytes",
        "orthogonalizes",
        "factored",
        "projected_rank",
        "optimizer_place",
        "pages_optimizer",
    },
    Group.SHARDING: {
        "optimizer_sharded",
        "gradients_sharded",
        "weights_sharded",
        "gathers_weights",
        "reshards",
        "block_weight_bytes",
        "outer_weight_bytes",
        "master_bytes",
        "gradient_bytes",
        "weights_place",
        "optimizer_place",
    },
    Group.RECOMPUTE: {"recompute"},
    Group.LOSS: {"loss_chunks", "loss_fuses_head"},
    Group.STEP: {"step_in_backward"},
    Group.ACTIVATIONS: {"activations_place"},
    Group.KV_CACHE: {"kv_bytes"},
    Group.ATTENTION: {"score_share"},
    Group.SEQUENCE: {"sequence_sharded"},
    Group.SCHEDULE: {"schedule"},
    Group.TRAINED_LAYERS: {"trained_share"},
    Group.OPTIMIZER_PLACE: {"optimizer_place"},
    Group.WEIGHTS_PLACE: {"weights_place", "streams_layers"},
    Group.CACHE_PLACE: {"kv_place"},
}


FULLY_SHARDED = {
    "optimizer_sharded": True,
    "gradients_sharded": True,
    "weights_sharded": True,
    "gathers_weights": True,
    "block_weight_bytes": 4.0,
    "outer_weight_bytes": 4.0,
    "master_bytes": 0.0,
    "gradient_bytes": 4.0,
}


def differences(recipe: Recipe, technique: Technique) -> dict[str, Any]:
    """The fields that the technique changes, with what it makes of them."""
    before, after = asdict(recipe), asdict(technique.apply(recipe))
    return {name: value for name, value in after.items() if value != before[name]}


def test_the_folder_is_the_registry() -> None:
    """Every file of the folder is a technique of its own name, and there are no others."""
    stems = {path.stem for path in Path(techniques.__path__[0]).glob("*.py") if path.stem != "__init__"}
    assert {name.replace("-", "_") for name in load_techniques()} == stems
    for stem in stems:
        assert import_module(f"planner.techniques.{stem}").TECHNIQUE.name == stem.replace("_", "-")
    assert list(load_techniques()) == sorted(load_techniques())


@EVERY
def test_a_technique_answers_its_own_question_only(technique: Technique) -> None:
    """A technique changes fields of its group, and a second time nothing more."""
    plain = Recipe()
    assert differences(plain, technique).keys() <= TOUCHED[technique.group]
    assert differences(technique.apply(plain), technique) == {}


@EVERY
def test_a_technique_says_where_it_is_from(technique: Technique) -> None:
    """A technique has a few words on what it does and a paper or manual behind its numbers."""
    assert 10 <= len(technique.gist) <= 60
    assert technique.source
    assert technique.jobs


@EVERY
def test_baselines_lose_nothing(technique: Technique) -> None:
    """What a group is without optimizing costs no accuracy, and quantizing always costs some."""
    if technique.baseline:
        assert technique.accuracy is Accuracy.EXACT
    quantized = technique.group in (Group.BASE_WEIGHTS, Group.KV_CACHE)
    assert not quantized or technique.accuracy.rank >= Accuracy.QUANTIZED.rank


@EVERY
def test_what_a_technique_excludes_and_needs_exists(technique: Technique) -> None:
    """It names techniques, their groups and fields of a layout, none of its own group and nothing both ways."""
    known = load_techniques()
    layout = set(Layout.__struct_fields__)
    needed = frozenset().union(*technique.needs)
    assert technique.excludes <= known.keys() | set(Group) | layout
    assert needed <= known.keys()
    assert not technique.excludes & needed
    assert technique.group not in technique.excludes
    assert all(known[name].group is not technique.group for name in needed | (technique.excludes & known.keys()))
    assert all(technique.jobs <= known[name].jobs for name in needed)


@EVERY
def test_nobody_is_given_what_the_time_does_not_know(technique: Technique) -> None:
    """A technique whose cost in time is not modelled is never chosen where the user is silent."""
    assert not (technique.untimed and technique.unasked)


# Priced by `berth estimate` alone, with the reason why no framework offers them.
UNOFFERED = {
    "peqa": "the paper's own code; no framework has it as an option",
    "activation-offload-nvme": "saved-tensor hooks of one's own; no framework has it as an option",
}


@EVERY
def test_a_technique_is_offered_by_software_for_its_job(technique: Technique) -> None:
    """Some framework has each technique as its documentation says; those that none has are known, with the reason."""
    offering = [item for item in load_frameworks().values() if technique.name in item.techniques]
    assert bool(offering) is (technique.name not in UNOFFERED)
    assert all(item.job in technique.jobs for item in offering)


@pytest.mark.parametrize("group", [Group.PRECISION, Group.OPTIMIZER, Group.SHARDING, Group.RECOMPUTE])
def test_training_has_a_baseline_of_each_group(group: Group) -> None:
    """Every question that each training run must answer has an answer without optimizing."""
    assert any(
        item.baseline and item.group is group for item in load_techniques().values() if Job.TRAINING in item.jobs
    )


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("bf16", {}),
        ("fp16", {"compute_dtype": "fp16"}),
        ("fp8", {"compute_dtype": "fp8"}),
        ("mxfp8", {"compute_dtype": "mxfp8"}),
        ("nvfp4", {"compute_dtype": "nvfp4"}),
        (
            "tf32",
            {
                "compute_dtype": "tf32",
                "activation_bytes": 4.0,
                "block_weight_bytes": 4.0,
                "outer_weight_bytes": 4.0,
                "gathered_weight_bytes": 4.0,
                "gradient_bytes": 4.0,
                "master_bytes": 0.0,
            },
        ),
        (
            "fp32",
            {
                "compute_dtype": "fp32",
                "activation_bytes": 4.0,
                "block_weight_bytes": 4.0,
                "outer_weight_bytes": 4.0,
                "gathered_weight_bytes": 4.0,
                "gradient_bytes": 4.0,
                "master_bytes": 0.0,
                "kv_bytes": 4.0,
            },
        ),
        ("adamw", {}),
        # Two bytes of moments and a float32 scale for 256 of each.
        ("adamw-8bit", {"optimizer_bytes": pytest.approx(2.03125)}),
        ("replicated", {}),
        ("zero1", {"optimizer_sharded": True}),
        ("zero2", {"optimizer_sharded": True, "gradients_sharded": True}),
        (
            "zero3",
            {"optimizer_sharded": True, "gradients_sharded": True, "weights_sharded": True, "gathers_weights": True},
        ),
        ("fsdp", FULLY_SHARDED),
        ("fsdp-no-reshard", {**FULLY_SHARDED, "reshards": False}),
        ("fsdp-offload", {**FULLY_SHARDED, "weights_place": Place.HOST, "optimizer_place": Place.HOST}),
        ("lora", {"adapter": Adapter()}),
        ("dora", {"adapter": Adapter(kind=AdapterKind.DORA)}),
        ("bottleneck-adapters", {"adapter": Adapter(kind=AdapterKind.BOTTLENECK)}),
        ("prefix-tuning", {"adapter": Adapter(kind=AdapterKind.PREFIX)}),
        ("prompt-tuning", {"adapter": Adapter(kind=AdapterKind.PROMPT)}),
        ("ia3", {"adapter": Adapter(kind=AdapterKind.SCALE)}),
        ("bitfit", {"adapter": Adapter(kind=AdapterKind.BIAS)}),
        ("peqa", {"adapter": Adapter(kind=AdapterKind.GROUP_SCALE)}),
        # QLoRA's appendix: 4 bits and 0.127 bit of scales a weight.
        (
            "nf4",
            {
                "block_weight_bytes": pytest.approx((4 + 0.127) / 8, abs=1e-4),
                "dequantizes": True,
                "keeps_packed_inputs": True,
            },
        ),
        # Half a bit of float32 scales a weight without double quantization.
        ("nf4-single", {"block_weight_bytes": 4.5 / 8, "dequantizes": True, "keeps_packed_inputs": True}),
        ("nf4-weights", {"block_weight_bytes": pytest.approx(4.127 / 8, abs=1e-4), "dequantizes": True}),
        ("fp4-weights", {"block_weight_bytes": 4.5 / 8, "dequantizes": True, "keeps_packed_inputs": True}),
        ("awq", {"block_weight_bytes": pytest.approx(4.156 / 8, abs=1e-3), "dequantizes": True}),
        ("gptq", {"block_weight_bytes": pytest.approx(4.156 / 8, abs=1e-3), "dequantizes": True}),
        ("int3-weights", {"block_weight_bytes": pytest.approx(3.148 / 8, abs=1e-3), "dequantizes": True}),
        ("int4-weights", {"block_weight_bytes": pytest.approx(4.156 / 8, abs=1e-3), "dequantizes": True}),
        ("int8-weights", {"block_weight_bytes": pytest.approx(1.0, abs=0.01), "dequantizes": True}),
        ("fp8-weights", {"block_weight_bytes": 1.0, "compute_dtype": "fp8"}),
        ("kv-fp8", {"kv_bytes": 1.0}),
        ("kv-int8", {"kv_bytes": pytest.approx(1.03125)}),
        ("adamw-bf16", {"optimizer_bytes": 4.0}),
        ("adamw-fp8", {"optimizer_bytes": pytest.approx(2.03125)}),
        # One byte of moments and a float32 scale for 128 of each.
        ("adamw-4bit", {"optimizer_bytes": pytest.approx(1.0625)}),
        ("adamw-paged", {"optimizer_place": Place.HOST, "pages_optimizer": True}),
        (
            "adamw-8bit-paged",
            {"optimizer_bytes": pytest.approx(2.03125), "optimizer_place": Place.HOST, "pages_optimizer": True},
        ),
        ("adafactor", {"optimizer_bytes": 0.0, "factored": True}),
        ("lion", {"optimizer_bytes": 4.0}),
        ("muon", {"optimizer_bytes": 4.0, "outer_optimizer_bytes": 8.0, "orthogonalizes": True}),
        ("galore", {"projected_rank": 128}),
        ("sgd", {"optimizer_bytes": 0.0}),
        ("chunked-loss", {"loss_chunks": 8}),
        ("optimizer-in-backward", {"step_in_backward": True}),
        ("fused-loss", {"loss_fuses_head": True}),
        ("frozen-layers", {"trained_share": 0.25}),
        ("activation-offload", {"activations_place": Place.HOST}),
        ("activation-offload-nvme", {"activations_place": Place.DISK}),
        ("flash-attention", {}),
        ("unfused-attention", {"score_share": 1.0}),
        ("sequence-parallel", {}),
        ("replicated-sequence", {"sequence_sharded": False}),
        ("schedule-1f1b", {}),
        ("schedule-gpipe", {"schedule": Schedule.GPIPE}),
        ("schedule-zero-bubble", {"schedule": Schedule.ZERO_BUBBLE}),
        ("optimizer-offload", {"optimizer_place": Place.HOST}),
        ("optimizer-offload-nvme", {"optimizer_place": Place.DISK}),
        ("weights-offload", {"weights_place": Place.HOST}),
        ("weights-offload-nvme", {"weights_place": Place.DISK}),
        ("host-weights", {"weights_place": Place.HOST}),
        ("disk-weights", {"weights_place": Place.DISK}),
        ("layer-streaming", {"weights_place": Place.DISK, "streams_layers": True}),
        ("host-kv", {"kv_place": Place.HOST}),
        ("disk-kv", {"kv_place": Place.DISK}),
        # FlexGen's groups of 64, each with a 16-bit minimum and scale.
        ("group-int4-weights", {"block_weight_bytes": 4.5 / 8, "dequantizes": True}),
        ("kv-group-int4", {"kv_bytes": 4.5 / 8}),
        ("recompute-attention", {"recompute": Recompute.ATTENTION}),
        ("recompute-none", {}),
        ("recompute-selective", {"recompute": Recompute.SELECTIVE}),
        ("recompute-full", {"recompute": Recompute.FULL}),
    ],
)
def test_what_each_changes(name: str, changes: dict[str, Any]) -> None:
    """A technique makes of the plain recipe what its paper says."""
    assert differences(Recipe(), load_techniques()[name]) == changes


def test_every_technique_is_told_above() -> None:
    """No technique is left out of the table."""
    table = next(mark for mark in test_what_each_changes.pytestmark if mark.name == "parametrize")
    assert {row[0] for row in table.args[1]} == set(load_techniques())


def test_fsdp_leaves_a_frozen_base_as_it_is() -> None:
    """A base that only carries adapters needs no float32 master, and stays packed as it was."""
    packed = load_techniques()["nf4"].apply(Recipe(adapter=Adapter(rank=8, targets=AdapterTargets.ATTENTION)))
    changes = differences(packed, load_techniques()["fsdp"])
    assert "block_weight_bytes" not in changes
    assert "outer_weight_bytes" not in changes


@pytest.mark.parametrize("sharding", ["fsdp", "fsdp-no-reshard", "fsdp-offload"])
def test_fsdp_leaves_pure_16_bit_training_as_narrow_as_it_is(sharding: str) -> None:
    """Without a master copy (torchtune) weights and gradients stay in two bytes; float32 ones stay in four."""
    pure = load_techniques()[sharding].apply(Recipe(master_bytes=0.0, gradient_bytes=2.0))
    assert (pure.block_weight_bytes, pure.outer_weight_bytes, pure.gradient_bytes) == (2.0, 2.0, 2.0)
    full = load_techniques()[sharding].apply(load_techniques()["fp32"].apply(Recipe()))
    assert (full.block_weight_bytes, full.gradient_bytes, full.master_bytes) == (4.0, 4.0, 0.0)


def test_lora_keeps_the_ranks_asked_for() -> None:
    """Adapters that the workload has described stay as described, but for the kind that a technique names."""
    asked = Adapter(rank=64, targets=AdapterTargets.QUERY_VALUE)
    assert load_techniques()["lora"].apply(Recipe(adapter=asked)).adapter == asked
    assert load_techniques()["dora"].apply(Recipe(adapter=asked)).adapter == replace(asked, kind=AdapterKind.DORA)


def test_shares_and_ranks_asked_for_stay() -> None:
    """A share of blocks and a rank of projections that the workload gives are not overwritten by the papers' own."""
    assert load_techniques()["frozen-layers"].apply(Recipe(trained_share=0.5)).trained_share == 0.5
    assert load_techniques()["galore"].apply(Recipe(projected_rank=512)).projected_rank == 512


def test_accuracies_are_in_order() -> None:
    """Accepting a loss accepts the smaller ones: exact, adapter, quantized, approximate."""
    assert [item.rank for item in (Accuracy.EXACT, Accuracy.ADAPTER, Accuracy.QUANTIZED, Accuracy.APPROXIMATE)] == [
        0,
        1,
        2,
        3,
    ]
