"""Does a device hold the parameters that its part of the model has?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.layout import Layout
from planner.models import load_preset
from planner.recipe import Adapter, AdapterTargets
from planner.resident import Resident, Stage, layers_per_stage, resident
from planner.shape import ModelShape
from pricing.records import replace
from tests.planner.builders import DENSE, LATENT_MIXED, MIXED, SHAPES, TIED, adapter_parameters, examples, grid

BY_NAME = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


def stages_one_by_one(shape: ModelShape, stages: int) -> list[int]:
    """Parameters of every pipeline stage: blocks dealt out in order, the fullest stages first."""
    each = [run.parameters(shape.hidden, shape.norm_bias) for run in shape.blocks for _ in range(run.count)]
    deep = -(-len(each) // stages)
    parts = [sum(each[start * deep : (start + 1) * deep]) for start in range(stages)]
    parts[0] += shape.embedding_parameters
    parts[-1] += shape.head_parameters
    return parts


@BY_NAME
def test_one_device_holds_the_model(shape: ModelShape) -> None:
    """Without parallelism a device holds every parameter once, tied ones too, whichever stage it is called."""
    for stage in Stage:
        assert float(resident(shape, Layout(), stage, None).model) == shape.parameters


@pytest.mark.parametrize("shape", [DENSE, MIXED, TIED], ids=lambda shape: shape.name)
@pytest.mark.parametrize("stages", [2, 4, 8])
def test_equal_stages_are_counted_exactly(shape: ModelShape, stages: int) -> None:
    """Where blocks are alike and divide, the first and last stage hold what dealing them out one by one gives."""
    parts = stages_one_by_one(shape, stages)
    layout = Layout(pipeline=stages, micro_batches=stages)
    assert float(resident(shape, layout, Stage.FIRST, None).model) == parts[0]
    assert float(resident(shape, layout, Stage.LAST, None).model) == parts[-1]


@BY_NAME
@pytest.mark.parametrize("stages", [2, 3, 4, 5, 7, 8])
def test_no_stage_is_understated(shape: ModelShape, stages: int) -> None:
    """Where stages differ, no stage holds more than the worse of the two that are counted."""
    layout = Layout(pipeline=stages, micro_batches=stages)
    counted = max(float(resident(shape, layout, stage, None).model) for stage in Stage)
    assert counted >= max(stages_one_by_one(shape, stages))


def test_tied_embeddings_stand_on_both_ends_of_a_pipeline() -> None:
    """One device shares the tied matrix; the first and the last stage of a pipeline have a copy each."""
    matrix = TIED.vocab * TIED.hidden
    whole = resident(TIED, Layout(), Stage.FIRST, None)
    ends = [resident(TIED, Layout(pipeline=2, micro_batches=2), stage, None) for stage in Stage]
    assert float(whole.outer) == matrix + TIED.hidden
    assert [float(end.outer) for end in ends] == [matrix, matrix + TIED.hidden]


@pytest.mark.parametrize(
    ("layers", "layout", "deep"),
    [
        (80, Layout(pipeline=8), 10),
        (126, Layout(pipeline=16), 8),
        (61, Layout(pipeline=16), 4),
        (80, Layout(pipeline=8, virtual=5), 10),
        (32, Layout(), 32),
    ],
)
def test_the_fullest_stage_is_as_deep_as_its_chunks(layers: int, layout: Layout, deep: int) -> None:
    """Layers that do not divide leave some stages one deeper; interleaved stages have all their chunks."""
    shape = replace(DENSE, blocks=(replace(DENSE.blocks[0], count=layers),))
    assert int(layers_per_stage(shape, layout)) == deep


@BY_NAME
@pytest.mark.parametrize("tensor", [2, 4, 8])
def test_tensor_ranks_share_every_matrix_but_whole_key_heads(shape: ModelShape, tensor: int) -> None:
    """Ranks together hold the model once, and a copy of keys and values for each rank beyond the heads."""
    copies = sum(
        run.count * 2 * shape.hidden * run.attention.kv_width * (max(tensor / run.attention.kv_heads, 1) - 1)
        for run in shape.blocks
    )
    held = resident(shape, Layout(tensor=tensor), Stage.FIRST, None)
    assert tensor * float(held.model) == pytest.approx(shape.parameters + copies)


def test_a_rank_has_a_whole_key_head() -> None:
    """Eight ranks of a model with two key heads hold a head's keys and values each, not a quarter of one."""
    attention, mlp = DENSE.blocks[0].attention, DENSE.blocks[0].mlp
    queries_and_output = 2 * 512 * attention.head_width
    keys_and_values = 2 * 512 * attention.head_width
    others = (3 * 512 * mlp.ffn + 2 * 512) / 8
    held = resident(DENSE, Layout(tensor=8), Stage.FIRST, None)
    assert float(held.dense) == pytest.approx(8 * (queries_and_output + keys_and_values + others))


def test_latent_attention_has_no_heads_to_copy() -> None:
    """Latent attention expands keys for every query head, so more ranks never copy any."""
    held = resident(LATENT_MIXED, Layout(tensor=8), Stage.FIRST, None)
    assert 8 * float(held.model) == pytest.approx(LATENT_MIXED.parameters)


@pytest.mark.parametrize("shape", [MIXED, LATENT_MIXED], ids=lambda shape: shape.name)
def test_only_experts_are_divided_by_the_expert_degree(shape: ModelShape) -> None:
    """The expert degree divides routed experts and nothing else."""
    alone = resident(shape, Layout(data=8), Stage.FIRST, None)
    spread = resident(shape, Layout(data=8, expert=8), Stage.FIRST, None)
    assert float(alone.experts) == shape.expert_parameters == 8 * float(spread.experts)
    assert (float(alone.dense), float(alone.outer)) == (float(spread.dense), float(spread.outer))


@pytest.mark.parametrize(
    ("model", "adapter", "parameters"),
    [
        # What PEFT prints for these models.
        ("llama-2-7b", Adapter(rank=8, targets=AdapterTargets.QUERY_VALUE), 4_194_304),
        ("llama-3-8b", Adapter(rank=16, targets=AdapterTargets.ALL_LINEAR), 41_943_040),
        ("llama-3-8b", Adapter(rank=8, targets=AdapterTargets.QUERY_VALUE), 3_407_872),
        # Queries and output 4096 + 4096, keys and values 4096 + 1024, in 32 blocks.
        ("llama-3-8b", Adapter(rank=4, targets=AdapterTargets.ATTENTION), 4 * 32 * (2 * 8192 + 2 * 5120)),
    ],
)
def test_adapters_are_those_that_peft_counts(model: str, adapter: Adapter, parameters: int) -> None:
    """An adapted matrix has rank x (inputs + outputs) parameters."""
    assert float(resident(load_preset(model), Layout(), Stage.FIRST, adapter).adapter) == parameters


def test_every_expert_has_adapters_and_the_shared_ones_too() -> None:
    """All-linear adapters stand on every routed expert and on the shared ones; attention's on neither."""
    every = adapter_parameters(MIXED, Adapter(rank=2, targets=AdapterTargets.ALL_LINEAR))
    attention = adapter_parameters(MIXED, Adapter(rank=2, targets=AdapterTargets.ATTENTION))
    assert every - attention == 2 * 8 * 3 * (16 * (512 + 256) + (512 + 128))


def test_adapters_grow_with_rank_and_targets() -> None:
    """Adapters are linear in their rank; without any there is nothing to hold."""
    sizes = [
        adapter_parameters(DENSE, Adapter(rank=4, targets=targets))
        for targets in (AdapterTargets.QUERY_VALUE, AdapterTargets.ATTENTION, AdapterTargets.ALL_LINEAR)
    ]
    assert all(small < large for small, large in pairwise(sizes))
    assert adapter_parameters(DENSE, Adapter(rank=8, targets=AdapterTargets.ATTENTION)) == 2 * sizes[1]
    assert float(resident(DENSE, Layout(), Stage.FIRST, None).adapter) == 0


LAYOUTS = st.builds(
    Layout,
    tensor=st.sampled_from([1, 2, 4, 8]),
    pipeline=st.sampled_from([1, 2, 4, 8]),
    expert=st.sampled_from([1, 2, 4]),
    data=st.sampled_from([4, 8]),
)


@examples
@given(st.sampled_from(SHAPES), st.lists(LAYOUTS, min_size=1, max_size=5), st.sampled_from(list(Stage)))
def test_arrays_agree_with_single_layouts(shape: ModelShape, layouts: list[Layout], stage: Stage) -> None:
    """An array of layouts gives each layout's own parameters."""
    adapter = Adapter(rank=4, targets=AdapterTargets.ALL_LINEAR)
    together = resident(shape, grid(layouts), stage, adapter)
    for index, layout in enumerate(layouts):
        alone = resident(shape, layout, stage, adapter)
        for name in Resident.__struct_fields__:
            column = np.broadcast_to(getattr(together, name), len(layouts))
            assert float(column[index]) == float(getattr(alone, name))
