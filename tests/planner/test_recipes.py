"""Are a workload's recipes all those that it allows, and none that it does not?"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.framework import load_frameworks
from planner.recipe import Accuracy, Adapter, AdapterKind, AdapterTargets, Group, Job, Recompute
from planner.recipes import Option, allowed_options, excluded_degrees, excludes
from planner.techniques import load_techniques
from planner.workload import Inference, Lora, Method, Pin, Techniques, Training, Workload
from tests.planner.builders import examples

KNOWN = load_techniques()


def training(
    method: Method = Method.FULL,
    *,
    techniques: Techniques | None = None,
    pin: Pin | None = None,
    **settings: Any,
) -> Workload:
    """A small training workload."""
    job = Training(method=method, tokens=10**9, sequence_length=2048, global_batch=16, **settings)
    return Workload(
        name="train", model="llama-3-8b", training=job, techniques=techniques or Techniques(), pin=pin or Pin()
    )


def serving(*, techniques: Techniques | None = None, **settings: Any) -> Workload:
    """A small serving workload."""
    job = Inference(concurrency=8, input_tokens=100, output_tokens=100, **settings)
    return Workload(name="serve", model="llama-3-8b", inference=job, techniques=techniques or Techniques())


def options(workload: Workload, framework: str) -> tuple[Option, ...]:
    """Every allowed option in the framework."""
    return allowed_options(workload, load_frameworks()[framework])


def names(workload: Workload, framework: str) -> list[set[str]]:
    """The techniques of every allowed option."""
    return [set(option.recipe.techniques) for option in options(workload, framework)]


@pytest.mark.parametrize(
    ("workload", "framework", "wanted"),
    [
        (
            training(Method.PRETRAIN, precision="bf16"),
            "megatron",
            [
                {"bf16", "adamw", sharding, recompute}
                for sharding in ("replicated", "zero1")
                for recompute in ("recompute-none", "recompute-full")
            ],
        ),
        (
            training(Method.LORA, precision="bf16", pin=Pin(recompute="full")),
            "huggingface",
            [
                {"bf16", "lora", "adamw", sharding, "recompute-full"}
                for sharding in ("replicated", "zero2", "zero3", "fsdp")
            ],
        ),
        (
            training(Method.QLORA, precision="bf16", pin=Pin(sharding="fsdp", recompute="none")),
            "huggingface",
            [{"bf16", "lora", "nf4", "adamw", "fsdp", "recompute-none"}],
        ),
        # Megatron has no 4-bit base, so it has no way to do QLoRA.
        (training(Method.QLORA), "megatron", []),
        (training(optimizer="adamw-8bit"), "megatron", []),
        (
            training(optimizer="adamw-bf16", precision="fp8", pin=Pin(recompute="selective")),
            "torchtitan",
            [{"fp8", "adamw-bf16", "fsdp", "recompute-selective"}],
        ),
        (serving(precision="bf16"), "vllm", [{"bf16"}]),
        (serving(), "vllm", [{"bf16"}, {"fp16"}]),
        (serving(precision="int4"), "vllm", [{"bf16", "int4-weights"}, {"fp16", "int4-weights"}]),
        (serving(precision="int4"), "neuron-serving", []),
        (
            serving(techniques=Techniques(accept=Accuracy.QUANTIZED, forbid=("fp16", "int8-weights", "fp8-weights"))),
            "vllm",
            [{"bf16"}, {"bf16", "int4-weights"}, {"bf16", "kv-fp8"}, {"bf16", "int4-weights", "kv-fp8"}],
        ),
    ],
)
def test_allowed_recipes(workload: Workload, framework: str, wanted: list[set[str]]) -> None:
    """What the user names is fixed, and what is left open takes every technique that loses no more than accepted."""
    found = names(workload, framework)
    assert sorted(map(sorted, found)) == sorted(map(sorted, wanted))


def by_hand(workload: Workload, framework: str) -> set[frozenset[str]]:
    """Every set of the framework's techniques that a reader of the rules would let stand.

    For workloads that name a method and `techniques` only: one technique of each group that has a baseline, at
    most one of the others, nothing forbidden, too lossy or unasked for, everything required, no packed base without
    adapters, and none that another excludes or that lacks what it needs.
    """
    wanted = workload.techniques
    job = Job.TRAINING if workload.training else Job.INFERENCE
    based = {item.group for item in KNOWN.values() if item.baseline and job in item.jobs}
    allowed = [
        KNOWN[name]
        for name in load_frameworks()[framework].techniques
        if KNOWN[name].accuracy.rank <= wanted.accept.rank
        and name not in wanted.forbid
        and (KNOWN[name].unasked or name in wanted.require)
    ]
    answers = [
        [{item.name} for item in allowed if item.group is group] + [set()] * (group not in based) for group in Group
    ]
    standing = set()
    for picked in product(*answers):
        chosen = frozenset().union(*picked)
        groups = {KNOWN[name].group for name in chosen}
        packed = job is Job.TRAINING and Group.BASE_WEIGHTS in groups and Group.ADAPTER not in groups
        clash = any(
            other in KNOWN[name].excludes or KNOWN[other].group in KNOWN[name].excludes
            for name in chosen
            for other in chosen - {name}
        )
        lacking = any(not need & chosen for name in chosen for need in KNOWN[name].needs)
        if not (packed or clash or lacking) and chosen >= set(wanted.require):
            standing.add(chosen)
    return standing


@examples
@given(
    st.sampled_from(["deepspeed", "huggingface", "torchtitan", "torchtune", "neuron", "vllm", "neuron-serving"]),
    st.sampled_from(list(Accuracy)),
    st.sets(st.sampled_from(sorted(KNOWN)), max_size=2),
    st.sets(st.sampled_from(sorted(KNOWN)), max_size=2),
)
def test_recipes_are_those_found_by_hand(framework: str, accept: Accuracy, require: set[str], forbid: set[str]) -> None:
    """The recipes of a workload that only accepts, requires and forbids are those of a plain walk over subsets."""
    wanted = Techniques(accept=accept, require=tuple(sorted(require)), forbid=tuple(sorted(forbid)))
    job = load_frameworks()[framework].job
    workload = training(techniques=wanted) if job is Job.TRAINING else serving(techniques=wanted)
    found = [frozenset(option.recipe.techniques) for option in options(workload, framework)]
    assert len(found) == len(set(found))
    expected = by_hand(workload, framework)
    adapters = {name for name, item in KNOWN.items() if item.group is Group.ADAPTER}
    if job is Job.TRAINING and accept is not Accuracy.ADAPTER and not adapters & require:
        # Full training trains every weight, unless just the loss of adapters is accepted or they are required.
        expected = {chosen for chosen in expected if not adapters & chosen}
    assert set(found) == expected


@pytest.mark.parametrize("framework", ["huggingface", "megatron", "neuron", "vllm"])
@pytest.mark.parametrize("accept", list(Accuracy))
def test_options_come_with_their_price_in_accuracy(framework: str, accept: Accuracy) -> None:
    """A recipe is as lossy as its lossiest technique, and options come in order of what nobody asked for."""
    wanted = Techniques(accept=accept)
    job = load_frameworks()[framework].job
    found = options(training(techniques=wanted) if job is Job.TRAINING else serving(techniques=wanted), framework)
    for option in found:
        lossiest = max(KNOWN[name].accuracy.rank for name in option.recipe.techniques)
        assert option.recipe.accuracy.rank == lossiest <= accept.rank
    assert [option.extra for option in found] == sorted(option.extra for option in found)
    assert found[0].extra == 0


@pytest.mark.parametrize(
    ("workload", "framework", "techniques", "extra"),
    [
        (training(), "megatron", ("bf16", "adamw", "replicated", "recompute-none"), 0),
        (training(), "megatron", ("bf16", "adamw", "zero1", "recompute-full"), 2),
        # A framework that always shards offers no plain way, so sharding is nothing extra.
        (training(), "torchtitan", ("bf16", "adamw", "fsdp", "recompute-none"), 0),
        # What the user has named is not extra either.
        (training(Method.LORA), "huggingface", ("bf16", "lora", "adamw", "replicated", "recompute-none"), 0),
        (training(Method.QLORA), "huggingface", ("bf16", "lora", "nf4", "adamw", "zero2", "recompute-none"), 1),
        (training(pin=Pin(sharding="zero1")), "megatron", ("bf16", "adamw", "zero1", "recompute-none"), 0),
    ],
)
def test_extra_counts_what_nobody_asked_for(
    workload: Workload, framework: str, techniques: tuple[str, ...], extra: int
) -> None:
    """Techniques count as extra where the user named none and a plain way was there."""
    counted = {option.recipe.techniques: option.extra for option in options(workload, framework)}
    assert counted[techniques] == extra


def test_adapters_are_those_described() -> None:
    """Every recipe of a LoRA workload has the rank and targets that it asks for; full training has none."""
    described = training(Method.LORA, lora=Lora(rank=64, targets=AdapterTargets.QUERY_VALUE))
    adapters = {option.recipe.adapter for option in options(described, "huggingface")}
    assert adapters == {Adapter(rank=64, targets=AdapterTargets.QUERY_VALUE)}
    assert {option.recipe.adapter for option in options(training(), "huggingface")} == {None}


def test_techniques_are_applied_in_the_order_of_their_groups() -> None:
    """A precision comes before what builds on it: FSDP keeps a packed base packed, full precision stays full."""
    packed = options(training(Method.QLORA, pin=Pin(sharding="fsdp")), "huggingface")[0].recipe
    assert packed.block_weight_bytes == KNOWN["nf4"].apply(packed).block_weight_bytes
    full = options(training(precision="fp32", pin=Pin(sharding="replicated")), "huggingface")[0].recipe
    assert (full.block_weight_bytes, full.master_bytes, full.gradient_bytes) == (4.0, 0.0, 4.0)
    assert full.recompute in (Recompute.NONE, Recompute.FULL)


def test_pretraining_never_freezes_the_model() -> None:
    """However much loss is accepted, pretraining trains every weight."""
    everything = training(Method.PRETRAIN, techniques=Techniques(accept=Accuracy.APPROXIMATE))
    assert not any("lora" in chosen for chosen in names(everything, "huggingface"))


@pytest.mark.parametrize(
    ("method", "settings", "require", "chosen"),
    [
        (Method.LORA, {}, (), {"lora"}),
        (Method.LORA, {"adapter": "dora"}, (), {"dora"}),
        (Method.LORA, {}, ("prefix-tuning",), {"prefix-tuning"}),
        (Method.QLORA, {}, (), {"lora", "nf4"}),
        (Method.QLORA, {"adapter": "ia3"}, (), {"ia3", "nf4"}),
        # Packed weights that are required stand in for QLoRA's own; PEQA tunes scales of integers.
        (Method.QLORA, {}, ("int8-weights",), {"lora", "int8-weights"}),
        (Method.FULL, {"trained_share": 0.5}, (), {"frozen-layers"}),
        (Method.FULL, {"optimizer": "galore", "projected_rank": 64}, (), {"galore"}),
        (Method.FULL, {"optimizer": "adafactor"}, (), {"adafactor"}),
    ],
)
def test_fields_and_requirements_choose_the_same_way(
    method: Method, settings: dict[str, Any], require: tuple[str, ...], chosen: set[str]
) -> None:
    """What a field names or the workload requires is in every recipe; a field's needs no loss to be accepted."""
    accept = Accuracy.QUANTIZED if require else Accuracy.EXACT
    asked = training(method, techniques=Techniques(accept=accept, require=require), **settings)
    found = names(asked, "huggingface")
    assert found
    groups = {KNOWN[name].group for name in chosen}
    assert all({name for name in each if KNOWN[name].group in groups} == chosen for each in found)


def test_settings_reach_what_they_describe() -> None:
    """Tokens, shares and ranks of the workload are those of the recipe, where its technique is there."""
    prompt = options(training(Method.LORA, adapter="prompt-tuning", lora=Lora(tokens=50)), "huggingface")[0].recipe
    assert prompt.adapter == Adapter(kind=AdapterKind.PROMPT, tokens=50)
    assert options(training(trained_share=0.5), "huggingface")[0].recipe.trained_share == 0.5
    ranked = options(training(optimizer="galore", projected_rank=64), "huggingface")[0].recipe
    assert (ranked.projected_rank, ranked.techniques.count("galore")) == (64, 1)
    plain = options(training(), "huggingface")[0].recipe
    assert (plain.trained_share, plain.projected_rank, plain.adapter) == (1.0, 0, None)


@pytest.mark.parametrize("first", sorted(KNOWN))
def test_no_recipe_has_what_excludes_or_lacks(first: str) -> None:
    """Whatever one requires, no framework gives a recipe with techniques that exclude each other or lack a need."""
    wanted = Techniques(accept=Accuracy.APPROXIMATE, require=(first,))
    for framework in load_frameworks().values():
        asked = training(techniques=wanted) if framework.job is Job.TRAINING else serving(techniques=wanted)
        for option in allowed_options(asked, framework):
            used = [KNOWN[name] for name in option.recipe.techniques]
            assert not any(excludes(one, other) for one in used for other in used if one is not other)
            assert all(need & set(option.recipe.techniques) for one in used for need in one.needs)


def test_exclusion_goes_both_ways() -> None:
    """One of two techniques needs to name the other, or its group; two of one group never stand together."""
    assert excludes(KNOWN["galore"], KNOWN["zero3"]) and excludes(KNOWN["zero3"], KNOWN["galore"])
    assert excludes(KNOWN["lora"], KNOWN["frozen-layers"])
    assert excludes(KNOWN["zero1"], KNOWN["zero2"])
    assert not excludes(KNOWN["zero3"], KNOWN["lora"])
    assert excluded_degrees(["zero3", "optimizer-in-backward"]) == {"micro_batches"}


def test_what_is_required_is_not_extra() -> None:
    """A technique that the user requires adds no rung of its own."""
    asked = training(techniques=Techniques(require=("fused-loss",)), pin=Pin(sharding="replicated", recompute="none"))
    assert {option.extra for option in options(asked, "huggingface")} == {0}
