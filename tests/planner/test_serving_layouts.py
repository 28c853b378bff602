"""Are the layouts that a replica may have those that its engine can be told?"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.legal import Space, broken_rules
from planner.serving_layouts import SERVING_RULES, serving_layouts
from planner.shape import ModelShape
from pricing.records import replace
from tests.planner.builders import DENSE, LATENT_MIXED, MIXED, framework


def space(engine: str, shape: ModelShape = MIXED, **pins: int) -> Space:
    """Eight devices a node, four nodes at most."""
    return Space(
        shape=shape,
        sequence_tokens=1,
        global_batch=1,
        framework=framework(engine),
        devices_per_node=8,
        max_nodes=4,
        pins=pins,
    )


def found(engine: str, shape: ModelShape = MIXED, **pins: int) -> list[Layout]:
    """The layouts of a replica."""
    grid = serving_layouts(space(engine, shape, **pins), (1, 2, 4, 8, 16))
    return [grid.row(index) for index in range(len(grid))]


@pytest.mark.parametrize("engine", ["vllm", "sglang", "tensorrt-llm"])
def test_data_ranks_and_experts_are_as_the_engine_has_them(engine: str) -> None:
    """vLLM spreads experts over all ranks or cuts them, others any divisor; TensorRT-LLM has one data rank or all."""
    layouts = found(engine)
    ranks = {(each.tensor, each.data, each.expert) for each in layouts if each.data > 1}
    assert ranks
    assert all(each.pipeline == 1 for each in layouts if each.data > 1)
    assert all(each.tensor * each.data % each.expert == 0 and MIXED.experts % each.expert == 0 for each in layouts)
    if engine == "vllm":
        assert all(expert in (1, tensor * data) for tensor, data, expert in ranks)
    else:
        assert any(1 < expert < tensor * data for tensor, data, expert in ranks)
    assert any(tensor > 1 for tensor, _, _ in ranks) is (engine != "tensorrt-llm")


def test_slices_of_experts_have_a_least_width() -> None:
    """Experts 256 wide are cut in two at most where data ranks share them, and are whole on more."""
    for each in found("sglang"):
        assert each.data == 1 or 256 * each.expert >= 128 * each.tensor * each.data


@pytest.mark.parametrize("engine", ["vllm", "tgi"])
def test_dense_models_and_other_engines_have_no_data_ranks(engine: str) -> None:
    """Data ranks of a dense model would be replicas of their own; an engine without the degree has none either."""
    for shape in (DENSE,) if engine == "vllm" else (DENSE, MIXED):
        assert {(each.data, each.expert) for each in found(engine, shape)} == {(1, 1)}


def test_every_data_rank_has_a_request_and_no_more_than_the_engine_takes() -> None:
    """Requests in flight are shared evenly: one each at least, the engine's largest batch at most."""
    layouts = found("vllm", LATENT_MIXED)
    assert all(each.data <= each.micro_batch <= 16 * each.data for each in layouts)
    assert max(each.micro_batch for each in layouts if each.data == 1) == 16
    assert max(each.micro_batch for each in layouts) > 16


def test_replicas_stay_in_a_node_or_fill_whole_ones() -> None:
    """Devices are those within a node, or all of so many."""
    assert {each.devices for each in found("vllm", data=16)} == {16}
    assert all(each.devices <= 8 or each.devices % 8 == 0 for each in found("vllm"))


@pytest.mark.parametrize(
    ("engine", "shape", "pins", "says"),
    [
        ("vllm", DENSE, {"data": 2}, "data 2 shares experts, and dense has none"),
        ("vllm", MIXED, {"data": 2, "pipeline": 2}, "data 2 is of one stage, and pipeline 2 has more"),
        ("tensorrt-llm", MIXED, {"data": 2, "tensor": 2}, "TensorRT-LLM has attention's data ranks on all devices"),
        ("vllm", MIXED, {"data": 8, "tensor": 1, "expert": 4}, "expert 4 must be 1 or all the 8 tensor x data ranks"),
        ("sglang", MIXED, {"data": 2, "tensor": 1, "expert": 4}, "expert 4 must be 1 or divide the 2 tensor x data"),
    ],
)
def test_broken_pins_are_named(engine: str, shape: ModelShape, pins: dict[str, int], says: str) -> None:
    """A pinned layout that the engine cannot have breaks a rule that says so, and is in no search."""
    asked = space(engine, shape, **pins)
    broken = broken_rules(asked, replace(Layout(), **pins), SERVING_RULES)
    assert any(says in rule.says(asked, replace(Layout(), **pins)) for rule in broken)
    assert found(engine, shape, **pins) == []


def test_a_pinned_expert_degree_leaves_the_ranks_free() -> None:
    """Where only the experts' degree is pinned, tensor and data ranks that make it up are found."""
    assert broken_rules(space("vllm", expert=8), Layout(expert=8), SERVING_RULES) == ()
    assert {each.tensor * each.data for each in found("vllm", expert=8)} == {8}
