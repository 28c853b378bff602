"""Does each technique change what it says, and nothing else?"""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from planner import techniques
from planner.recipe import Accuracy, Adapter, AdapterTargets, Group, Job, Place, Recipe, Recompute, Technique
from planner.techniques import load_techniques

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
    Group.OPTIMIZER: {"optimizer_bytes"},
    Group.SHARDING: {
        "optimizer_sharded",
        "gradients_sharded",
        "weights_sharded",
        "gathers_weights",
        "block_weight_bytes",
        "outer_weight_bytes",
        "master_bytes",
        "gradient_bytes",
    },
    Group.RECOMPUTE: {"recompute"},
    Group.LOSS: {"loss_chunks"},
    Group.STEP: {"step_in_backward"},
    Group.ACTIVATIONS: {"activations_place"},
    Group.KV_CACHE: {"kv_bytes"},
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
        (
            "fsdp",
            {
                "optimizer_sharded": True,
                "gradients_sharded": True,
                "weights_sharded": True,
                "gathers_weights": True,
                "block_weight_bytes": 4.0,
                "outer_weight_bytes": 4.0,
                "master_bytes": 0.0,
                "gradient_bytes": 4.0,
            },
        ),
        ("lora", {"adapter": asdict(Adapter())}),
        # QLoRA's appendix: 4 bits and 0.127 bit of scales a weight.
        (
            "nf4",
            {
                "block_weight_bytes": pytest.approx((4 + 0.127) / 8, abs=1e-4),
                "dequantizes": True,
                "keeps_packed_inputs": True,
            },
        ),
        ("int4-weights", {"block_weight_bytes": pytest.approx(4.156 / 8, abs=1e-3), "dequantizes": True}),
        ("int8-weights", {"block_weight_bytes": pytest.approx(1.0, abs=0.01), "dequantizes": True}),
        ("fp8-weights", {"block_weight_bytes": 1.0, "compute_dtype": "fp8"}),
        ("kv-fp8", {"kv_bytes": 1.0}),
        ("adamw-bf16", {"optimizer_bytes": 4.0}),
        ("chunked-loss", {"loss_chunks": 8}),
        ("optimizer-in-backward", {"step_in_backward": True}),
        ("activation-offload", {"activations_place": Place.HOST}),
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


def test_lora_keeps_the_ranks_asked_for() -> None:
    """Adapters that the workload has described stay as described."""
    asked = Adapter(rank=64, targets=AdapterTargets.QUERY_VALUE)
    assert load_techniques()["lora"].apply(Recipe(adapter=asked)).adapter == asked


def test_accuracies_are_in_order() -> None:
    """Accepting a loss accepts the smaller ones: exact, adapter, quantized, approximate."""
    assert [item.rank for item in (Accuracy.EXACT, Accuracy.ADAPTER, Accuracy.QUANTIZED, Accuracy.APPROXIMATE)] == [
        0,
        1,
        2,
        3,
    ]
