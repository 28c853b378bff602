"""Does the enumeration find the layouts that the rules' sentences allow, all of them and no others?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.framework import Framework
from planner.layout import Layout
from planner.legal import RULES, Space, broken_rules, divisors, layouts_by_node, legal_layouts, powers
from planner.models import load_preset
from planner.shape import ModelShape
from pricing.records import replace
from tests.planner.builders import DENSE, LATENT_MIXED, MIXED, changed, examples, framework

SPACE = Space(
    shape=DENSE,
    sequence_tokens=8192,
    global_batch=16,
    framework=framework(),
    devices_per_node=8,
    max_nodes=2,
    pins={},
)


def with_layers(shape: ModelShape, layers: int) -> ModelShape:
    """The model with as many blocks, all like its last."""
    return replace(shape, blocks=(replace(shape.blocks[-1], count=layers),))


def keeps_the_sentences(space: Space, layout: Layout) -> bool:
    """Every rule's sentence, read by a person and written down once more."""
    shape, software = space.shape, space.framework
    tensor, pipeline, virtual = layout.tensor, layout.pipeline, layout.virtual
    kv_heads_divide = shape.kv_heads % tensor == 0 or (software.replicates_kv and tensor % shape.kv_heads == 0)
    stages = [len(part) for part in dealt(shape.layers, pipeline * virtual)]
    tokens, ranks = space.sequence_tokens, layout.data * layout.context
    devices = tensor * pipeline * layout.context * layout.data
    return all(
        [
            shape.heads % tensor == 0 and kv_heads_divide,
            space.devices_per_node % tensor == 0 or ("tensor" in space.pins and tensor % space.devices_per_node == 0),
            min(stages) > 0 and (virtual == 1 or len(set(stages)) == 1),
            virtual == 1 or (pipeline > 1 and layout.micro_batches % pipeline == 0),
            layout.micro_batches >= pipeline,
            layout.context == 1 or (tokens % (2 * layout.context) == 0 and tokens / layout.context >= 4096),
            layout.expert == 1 or (shape.experts > 0 and shape.experts % layout.expert == ranks % layout.expert == 0),
            layout.data * layout.micro_batch * layout.micro_batches == space.global_batch,
            devices % space.devices_per_node == 0 and devices <= space.devices_per_node * space.max_nodes,
        ]
    )


def dealt(layers: int, stages: int) -> list[list[int]]:
    """Blocks dealt out in order, each stage but the last as deep as the deepest."""
    deep = -(-layers // stages)
    return [list(range(layers))[stage * deep : (stage + 1) * deep] for stage in range(stages)]


def every_layout(space: Space) -> Iterator[Layout]:
    """All layouts that the search means to try, by plain loops: what a framework lacks stays 1."""

    def tried(degree: str, values: list[int]) -> list[int]:
        if degree not in {*space.framework.degrees, "micro_batch"}:
            values = [1]
        if degree in space.pins:
            return [space.pins[degree]] if values != [1] or space.pins[degree] == 1 else []
        if degree == "tensor" and "AWS" in space.framework.vendors:
            return [value for value in values if value.bit_count() == 1]
        return values

    counts = [space.pins["nodes"]] if "nodes" in space.pins else list(range(1, space.max_nodes + 1))
    for nodes, tensor, pipeline, context, data in product(
        counts,
        tried("tensor", list(range(1, space.devices_per_node + 1))),
        tried("pipeline", list(range(1, space.shape.layers + 1))),
        tried("context", list(range(1, 17))),
        tried("data", list(range(1, space.devices_per_node * space.max_nodes + 1))),
    ):
        if tensor * pipeline * context * data != nodes * space.devices_per_node:
            continue
        for virtual, expert, micro_batch in product(
            tried("virtual", list(range(1, 25))),
            tried("expert", list(range(1, max(space.shape.experts, 1) + 1))),
            tried("micro_batch", list(range(1, space.global_batch + 1))),
        ):
            if pipeline * virtual > space.shape.layers:
                continue  # some chunk has no layer, which a sentence rules out; most of the loops end here
            yield Layout(
                tensor=tensor,
                pipeline=pipeline,
                virtual=virtual,
                context=context,
                expert=expert,
                data=data,
                micro_batch=micro_batch,
                micro_batches=space.global_batch // (data * micro_batch),
            )


def found(space: Space) -> list[Layout]:
    """What the search enumerates."""
    layouts = legal_layouts(space)
    return [layouts.row(index) for index in range(len(layouts))]


FRAMEWORKS = ["megatron", "torchtitan", "deepspeed", "huggingface", "neuron"]
SPACES = st.builds(
    Space,
    shape=st.builds(with_layers, st.sampled_from([DENSE, MIXED, LATENT_MIXED]), st.integers(1, 8)),
    sequence_tokens=st.sampled_from([1024, 8192, 12_288, 32_768]),
    global_batch=st.sampled_from([1, 4, 6, 16]),
    framework=st.sampled_from([framework(name) for name in FRAMEWORKS]),
    devices_per_node=st.sampled_from([1, 2, 4, 8]),
    max_nodes=st.integers(1, 3),
    pins=st.one_of(
        st.just({}),
        st.dictionaries(
            st.sampled_from(["tensor", "pipeline", "virtual", "context", "expert", "data", "micro_batch", "nodes"]),
            st.integers(1, 4),
            max_size=2,
        ),
    ),
)


def assert_found(space: Space) -> None:
    """The enumeration and the plain loops agree, and no layout comes twice."""
    within = space.pins.get("nodes", 1) <= space.max_nodes
    wanted = [layout for layout in every_layout(space) if within and keeps_the_sentences(space, layout)]
    got = found(space)
    assert len(got) == len(set(got))
    assert set(got) == set(wanted)


@examples
@given(SPACES)
def test_the_enumeration_is_complete_and_sound(space: Space) -> None:
    """The layouts found are those of plain loops that keep every rule's sentence, each once."""
    assert_found(space)


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("shape", [DENSE, MIXED, with_layers(MIXED, 6)], ids=["dense", "mixed", "six"])
def test_the_enumeration_of_a_cluster_is_complete_and_sound(name: str, shape: ModelShape) -> None:
    """The same holds for every framework on two nodes of four, where no degree is pinned."""
    space = replace(SPACE, shape=shape, framework=framework(name), devices_per_node=4, global_batch=12)
    assert found(space)
    assert_found(space)


@pytest.mark.parametrize("shape", [DENSE, MIXED], ids=lambda shape: shape.name)
def test_a_cluster_has_layouts_of_every_kind(shape: ModelShape) -> None:
    """Two nodes of eight can be laid out with every degree that the framework has: no loop is empty."""
    layouts = found(replace(SPACE, shape=shape))
    for degree in ("tensor", "pipeline", "virtual", "context", "data", "micro_batch"):
        assert {getattr(layout, degree) for layout in layouts} > {1}
    assert ({layout.expert for layout in layouts} > {1}) is (shape is MIXED)
    assert {layout.devices for layout in layouts} == {8, 16}


@pytest.mark.parametrize(
    ("changes", "layout", "says"),
    [
        (
            {"framework": framework("torchtitan")},
            Layout(tensor=4, data=2, micro_batches=8),
            "tensor 4 must divide the 8 attention heads, and fit the 2 key-value heads",
        ),
        (
            {"devices_per_node": 4},
            Layout(tensor=8, data=1, micro_batches=16),
            "tensor 8 must divide the 4 devices that a fast link joins",
        ),
        ({}, Layout(pipeline=16, micro_batches=16), "every pipeline stage needs a layer"),
        ({}, Layout(pipeline=2, virtual=3, data=4, micro_batches=4), "interleaved chunks must be equal"),
        ({}, Layout(virtual=2, data=8, micro_batches=2), "interleaving (virtual 2) needs a pipeline"),
        ({}, Layout(pipeline=8, data=2, micro_batch=4, micro_batches=2), "at least as many micro-batches as stages"),
        ({}, Layout(context=4, data=2, micro_batches=8), "an even number of tokens, 4,096 or more: context 4 of 8,192"),
        ({}, Layout(data=8, expert=2, micro_batches=2), "expert 2 must divide the model's experts, of which it has 0"),
        (
            {"shape": MIXED},
            Layout(data=8, expert=3, micro_batches=2),
            "expert 3 must divide the model's experts, of which it has 16",
        ),
        (
            {"shape": MIXED},
            Layout(data=4, expert=8, micro_batches=4),
            "expert 8 must divide the 4 data x context ranks",
        ),
        ({}, Layout(data=8, micro_batches=3), "must be the global batch"),
        ({}, Layout(data=4, micro_batches=4), "the degrees multiply to 4 devices, which must fill whole"),
        ({"max_nodes": 1}, Layout(data=16), "whole nodes of 8, 1 at most"),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, Any], layout: Layout, says: str) -> None:
    """A layout that breaks a rule is told which, in words."""
    space = changed(SPACE, **changes)
    assert any(says in rule.says(space, layout) for rule in broken_rules(space, layout))


@pytest.mark.parametrize(
    ("name", "kv_heads", "tensor", "legal"),
    [
        ("torchtitan", 2, 2, True),
        ("torchtitan", 2, 4, False),
        # Megatron and Neuron copy key heads; their number must still divide the ranks.
        ("megatron", 2, 4, True),
        ("neuron", 2, 4, True),
        ("neuron", 2, 8, True),
        ("vllm", 8, 4, True),
        ("vllm", 2, 8, True),
    ],
)
def test_key_heads_bound_the_tensor_degree(name: str, kv_heads: int, tensor: int, legal: bool) -> None:
    """The tensor degree divides key heads, or is a multiple of them where the software copies them."""
    run = DENSE.blocks[0]
    shape = replace(DENSE, blocks=(replace(run, attention=replace(run.attention, kv_heads=kv_heads)),))
    space = replace(SPACE, shape=shape, framework=framework(name))
    layout = Layout(tensor=tensor, data=8 // tensor, micro_batches=16 * tensor // 8)
    assert (broken_rules(space, layout) == ()) is legal


def test_each_layout_found_breaks_no_rule() -> None:
    """What the enumeration yields stands up to every rule one by one, and there are ten of them."""
    space = replace(SPACE, shape=MIXED)
    assert all(broken_rules(space, layout) == () for layout in found(space))
    assert len({rule.says(space, Layout()) for rule in RULES}) == len(RULES) == 10


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("degree", ["tensor", "pipeline", "virtual", "context", "expert"])
def test_a_pin_does_not_teach_a_framework_a_degree(name: str, degree: str) -> None:
    """A pinned degree above 1 finds layouts with it, or none where the framework has no such degree."""
    software: Framework = framework(name)
    space = replace(SPACE, shape=MIXED, framework=software, pins={degree: 2})
    layouts = found(space)
    if degree not in software.degrees:
        assert layouts == []
    assert {getattr(layout, degree) for layout in layouts} <= {2}


def test_tensor_ranks_leave_the_node_only_where_asked() -> None:
    """Over two nodes of four a tensor degree of 8 is found where it is pinned, and not of itself."""
    shape = replace(
        DENSE, blocks=tuple(replace(run, attention=replace(run.attention, kv_heads=8)) for run in DENSE.blocks)
    )
    space = replace(SPACE, shape=shape, devices_per_node=4)
    assert {layout.tensor for layout in found(space)} == {1, 2, 4}
    asked = found(replace(space, pins={"tensor": 8}))
    assert {(layout.tensor, layout.devices) for layout in asked} == {(8, 8)}


def test_micro_batches_are_any_divisor_of_the_batch() -> None:
    """A batch of 12 is cut into pieces of 3 and 6 too, not into powers of two alone."""
    space = replace(SPACE, devices_per_node=1, max_nodes=1, global_batch=12)
    assert {layout.micro_batch for layout in found(space)} == {1, 2, 3, 4, 6, 12}


def test_neuron_shards_over_powers_of_two() -> None:
    """Of 24 NeuronCores a tensor group takes 1, 2, 4 or 8, where GPUs also take multiples of three."""
    run = DENSE.blocks[0]
    shape = replace(DENSE, blocks=(replace(run, attention=replace(run.attention, heads=24, kv_heads=24)),))
    space = replace(SPACE, shape=shape, devices_per_node=24, global_batch=24)
    assert {layout.tensor for layout in found(space)} == {1, 2, 3, 4, 6, 8, 12, 24}
    assert {layout.tensor for layout in found(replace(space, framework=framework("neuron")))} == {1, 2, 4, 8}


@pytest.mark.parametrize(
    ("sequence_tokens", "contexts"),
    [(4096, {1}), (8192, {1, 2}), (8194, {1}), (65_536, {1, 2, 4, 8, 16}), (2**20, {1, 2, 4, 8, 16})],
)
def test_sequences_are_cut_into_long_even_pieces(sequence_tokens: int, contexts: set[int]) -> None:
    """Context ranks take 4,096 tokens or more each, in an even number, and are 16 at most."""
    layouts = found(replace(SPACE, sequence_tokens=sequence_tokens))
    assert {layout.context for layout in layouts} == contexts


def test_one_device_has_one_layout_for_each_micro_batch() -> None:
    """A single device leaves the micro-batch to choose, and nothing else."""
    space = replace(SPACE, devices_per_node=1, max_nodes=1)
    assert found(space) == [
        Layout(micro_batch=micro_batch, micro_batches=16 // micro_batch) for micro_batch in (1, 2, 4, 8, 16)
    ]


def test_llama_405b_is_laid_out_as_its_makers_did() -> None:
    """The layout of Llama 3's paper, 8 x 16 x 128 on 16,384 devices with 16 M tokens a step, is among those found."""
    space = replace(
        SPACE, shape=load_preset("llama-3.1-405b"), global_batch=2048, max_nodes=2048, pins={"nodes": 2048, "tensor": 8}
    )
    wanted = Layout(tensor=8, pipeline=16, data=128, micro_batch=1, micro_batches=16)
    assert wanted in found(space)


@pytest.mark.parametrize(("number", "values"), [(1, [1]), (12, [1, 2, 3, 4, 6, 12]), (7, [1, 7])])
def test_divisors(number: int, values: list[int]) -> None:
    """Divisors come in order, with 1 and the number."""
    assert divisors(number) == values


@pytest.mark.parametrize(("largest", "values"), [(1, [1]), (8, [1, 2, 4, 8]), (100, [1, 2, 4, 8, 16, 32, 64])])
def test_powers(largest: int, values: list[int]) -> None:
    """Powers of two go up to the largest, and no further."""
    assert powers(largest) == values


@given(space=SPACES, sizes=st.sets(st.sampled_from([1, 2, 3, 4, 8]), min_size=1, max_size=3))
def test_nodes_of_several_sizes_share_their_layouts(space: Space, sizes: set[int]) -> None:
    """Of the layouts of several sizes of nodes each stands there once, and each size has those that it has alone."""
    every, on = layouts_by_node(space, sizes)
    rows = [every.row(index) for index in range(len(every))]
    assert len(set(rows)) == len(rows)
    assert set(on) == sizes
    for size, mask in on.items():
        own = every.take(mask)
        assert [own.row(index) for index in range(len(own))] == found(replace(space, devices_per_node=size))
    assert not len(every) or np.any(list(on.values()), axis=0).all()
