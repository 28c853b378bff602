"""Are adapters as large as their papers count them?"""

from __future__ import annotations

import pytest

from planner.adapters import adapter_parameters
from planner.layout import Layout
from planner.models import load_preset
from planner.recipe import Adapter, AdapterKind, AdapterTargets
from planner.recurrence import mamba
from planner.resident import Stage, resident
from planner.shape import NO_ATTENTION, NO_MLP, Attention, Blocks, Mlp
from pricing.records import replace
from tests.planner.builders import DENSE, MIXED

# Hidden 8, two query heads and one key head of 4, a gated MLP of 16.
RUN = Blocks(count=1, attention=Attention(heads=2, kv_heads=1, head_width=4), mlp=Mlp(ffn=16))
QUERY, KEY, OUTPUT, INNER = 8 + 8, 8 + 4, 8 + 8, 3 * (8 + 16)


@pytest.mark.parametrize(
    ("targets", "widths"),
    [
        (AdapterTargets.QUERY_VALUE, QUERY + KEY),
        (AdapterTargets.QUERY_KEY_VALUE, QUERY + 2 * KEY),
        (AdapterTargets.ATTENTION, QUERY + 2 * KEY + OUTPUT),
        (AdapterTargets.MLP, INNER),
        (AdapterTargets.QUERY_KEY_VALUE_MLP, QUERY + 2 * KEY + INNER),
        (AdapterTargets.QUERY_VALUE_OUTPUT_MLP, QUERY + KEY + OUTPUT + INNER),
        (AdapterTargets.ALL_LINEAR, QUERY + 2 * KEY + OUTPUT + INNER),
    ],
)
def test_low_rank_adapters_count_inputs_and_outputs(targets: AdapterTargets, widths: int) -> None:
    """An adapter of rank 3 has three rows as wide as a matrix's inputs and outputs together."""
    assert adapter_parameters(RUN, 8, Adapter(rank=3, targets=targets)) == 3 * widths


@pytest.mark.parametrize(
    ("adapter", "count"),
    [
        (Adapter(rank=3, targets=AdapterTargets.QUERY_VALUE, kind=AdapterKind.DORA), 3 * (QUERY + KEY) + 8 + 4),
        (Adapter(rank=3, kind=AdapterKind.BOTTLENECK), 2 * (2 * 8 * 3 + 3 + 8)),
        (Adapter(tokens=5, kind=AdapterKind.PREFIX), 5 * 2 * 4),
        (Adapter(tokens=5, kind=AdapterKind.PROMPT), 0),
        (Adapter(kind=AdapterKind.SCALE), 2 * 4 + 16),
        # Magnitudes are as many as outputs: gate and up have the inner width, down the outer one.
        (Adapter(rank=3, targets=AdapterTargets.MLP, kind=AdapterKind.DORA), 3 * INNER + 2 * 16 + 8),
        (Adapter(kind=AdapterKind.BIAS, targets=AdapterTargets.QUERY_VALUE), 8 + 4 + 2 * 8),
        (Adapter(kind=AdapterKind.BIAS, targets=AdapterTargets.MLP), 2 * 16 + 8 + 2 * 8),
        (Adapter(kind=AdapterKind.GROUP_SCALE, group=4, targets=AdapterTargets.QUERY_VALUE), (64 + 32) // 4),
    ],
)
def test_other_kinds_count_what_they_train(adapter: Adapter, count: int) -> None:
    """Magnitudes, bottlenecks, prefixes, factors, biases and scales are counted as their papers define them."""
    assert adapter_parameters(RUN, 8, adapter) == count


def test_mixtures_have_a_factor_for_each_expert_row() -> None:
    """IA3 scales the inner rows of every expert and of the shared ones, keys and values once."""
    run = MIXED.blocks[0]
    assert adapter_parameters(run, 512, Adapter(kind=AdapterKind.SCALE)) == 2 * 128 + 16 * 256 + 128


@pytest.mark.parametrize(
    ("model", "adapter", "share"),
    [
        # BitFit trains 0.09 % of BERT base and 0.08 % of BERT large (arXiv 2106.10199, section 4).
        ("bert-base-uncased", Adapter(kind=AdapterKind.BIAS), 0.0009),
        ("bert-large-uncased", Adapter(kind=AdapterKind.BIAS), 0.0008),
        # Adapters of 64 train 2.1 % of BERT large, a task's head and norms with them (arXiv 1902.00751, table 1).
        ("bert-large-uncased", Adapter(rank=64, kind=AdapterKind.BOTTLENECK), 0.021),
        # Rank 8 on queries and values of GPT-3 is 37.7M (arXiv 2106.09685, table 4).
        ("gpt3-175b", Adapter(rank=8, targets=AdapterTargets.QUERY_VALUE), 37.7e6 / 175e9),
    ],
)
def test_papers_count_the_same_share(model: str, adapter: Adapter, share: float) -> None:
    """As large a share of the model is trained as the paper says."""
    shape = load_preset(model)
    trained = float(resident(shape, Layout(), Stage.FIRST, adapter).adapter)
    assert trained / shape.parameters == pytest.approx(share, rel=0.12)


# The same block with attention to a source, of four key heads; and a Mamba block without attention or MLP.
CROSSED = replace(RUN, norms=3, cross=Attention(heads=2, kv_heads=2, head_width=4, causal=False))
STATE = Blocks(count=1, attention=NO_ATTENTION, mlp=NO_MLP, norms=1, recurrence=mamba(8, 16, 4, 4, 2))


@pytest.mark.parametrize(
    ("adapter", "count"),
    [
        # Queries 8 -> 8 and values 8 -> 8 of the source, on top of the block's own.
        (Adapter(rank=3, targets=AdapterTargets.QUERY_VALUE), 3 * (QUERY + KEY + 16 + 16)),
        (Adapter(rank=3, targets=AdapterTargets.ALL_LINEAR), 3 * (QUERY + 2 * KEY + OUTPUT + INNER + 4 * 16)),
        (Adapter(rank=3, targets=AdapterTargets.MLP), 3 * INNER),
        (Adapter(tokens=5, kind=AdapterKind.PREFIX), 5 * (2 * 4 + 2 * 8)),
        (Adapter(kind=AdapterKind.SCALE), 2 * 4 + 2 * 8 + 16),
    ],
)
def test_cross_attention_has_adapters_where_attention_has(adapter: Adapter, count: int) -> None:
    """Matrices of the same names in cross-attention are adapted as well, those of an MLP stand once."""
    assert adapter_parameters(CROSSED, 8, adapter) == count


@pytest.mark.parametrize(
    ("targets", "widths"),
    [
        # In 8 -> 32, to step, B and C 16 -> 10, the step's own 2 -> 16, out 16 -> 8.
        (AdapterTargets.ALL_LINEAR, (8 + 32) + (16 + 10) + (2 + 16) + (16 + 8)),
        (AdapterTargets.ATTENTION, 0),
        (AdapterTargets.QUERY_VALUE, 0),
        (AdapterTargets.MLP, 0),
    ],
)
def test_products_of_a_recurrence_are_adapted_by_all_linear_alone(targets: AdapterTargets, widths: int) -> None:
    """A state-space layer has no matrices of attention's names; all-linear means every product that it has."""
    assert adapter_parameters(STATE, 8, Adapter(rank=3, targets=targets)) == 3 * widths


def test_copies_of_an_encoder_decoders_ends_are_two_matrices() -> None:
    """T5's stacks share one embedding: its trained copy and the head's are all, whatever else stands at the ends."""
    shape = load_preset("t5-11b")
    held = resident(shape, Layout(), Stage.FIRST, Adapter(rank=8, outer=True))
    assert float(held.copies) == 2 * shape.vocab * shape.hidden
    assert float(held.adapter) == float(held.copies) + sum(
        run.count * adapter_parameters(run, shape.hidden, Adapter(rank=8)) for run in shape.blocks
    )


def test_each_end_of_a_pipeline_has_its_own_copy() -> None:
    """The first stage trains a copy of the embedding, the last one of the head, stages between none."""
    layout = Layout(pipeline=2, micro_batches=2)
    held = [float(resident(DENSE, layout, stage, Adapter(rank=8, outer=True)).copies) for stage in Stage]
    assert held == [DENSE.vocab * DENSE.hidden] * 2


def test_qwen_reproduces_its_trainable_parameters() -> None:
    """Rank 64 on every matrix of Llama 2 7B is as large as on Qwen 7B, whose script printed 143,130,624 with 11,008."""
    held = resident(load_preset("llama-2-7b"), Layout(), Stage.FIRST, Adapter(rank=64))
    assert float(held.adapter) == 159_907_840


def test_a_known_number_wins() -> None:
    """Where the trained parameters are known they are not counted, and copies of both ends are part of them."""
    plain = Adapter(rank=8, parameters=1_000_000)
    assert float(resident(DENSE, Layout(), Stage.FIRST, plain).adapter) == 1_000_000
    ends = DENSE.embedding_parameters + DENSE.head_parameters
    outer = Adapter(rank=8, parameters=ends + 800, outer=True)
    assert float(resident(DENSE, Layout(), Stage.FIRST, outer).adapter) == pytest.approx(ends + 800)


def test_prompts_are_trained_on_the_first_stage_alone() -> None:
    """Prompt tuning adds embeddings in front of the prompt: the first stage of a pipeline has them."""
    prompt = Adapter(kind=AdapterKind.PROMPT, tokens=20)
    layout = Layout(pipeline=2, micro_batches=2)
    held = [float(resident(DENSE, layout, stage, prompt).adapter) for stage in Stage]
    assert held == [20 * DENSE.hidden, 0]
