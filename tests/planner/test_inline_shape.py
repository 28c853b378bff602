"""Does a flat description of a model become the right shape, and are slips of the pen refused?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.errors import ModelError
from planner.inline_shape import InlineShape
from planner.recurrence import delta_rule, mamba, mamba2, rwkv
from planner.shape import Attention, Blocks, LatentAttention, Mlp, ModelShape

SMALL = {"layers": 6, "hidden": 64, "ffn": 256, "heads": 8, "vocab": 1000, "context_tokens": 128}


def shape_from_inline(fields: dict[str, Any], name: str = "inline") -> ModelShape:
    """The shape that a description comes down to."""
    return InlineShape.checked(fields, "model").to_shape(name)


def test_the_least_description_is_a_dense_gated_model() -> None:
    """Six numbers describe a Llama-like model with one key head per query head."""
    assert shape_from_inline(SMALL, name="small") == ModelShape(
        name="small",
        hidden=64,
        vocab=1000,
        blocks=(Blocks(count=6, attention=Attention(heads=8, kv_heads=8, head_width=8), mlp=Mlp(ffn=256)),),
        context_tokens=128,
    )


def runs(**fields: Any) -> list[tuple[int, int, int]]:
    """Blocks, window and experts of each run."""
    shape = shape_from_inline({**SMALL, **fields})
    return [(run.count, run.attention.window, run.mlp.experts) for run in shape.blocks]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [(6, 0, 0)]),
        ({"window": 32}, [(6, 32, 0)]),
        ({"window": 32, "full_attention_every": 2}, [(3, 32, 0), (3, 0, 0)]),
        ({"window": 32, "full_attention_every": 4}, [(5, 32, 0), (1, 0, 0)]),
        ({"full_attention_every": 2}, [(6, 0, 0)]),
        ({"experts": 4, "experts_per_token": 2}, [(6, 0, 4)]),
        ({"experts": 4, "experts_per_token": 2, "dense_layers": 1}, [(1, 0, 0), (5, 0, 4)]),
        (
            {
                "experts": 4,
                "experts_per_token": 2,
                "dense_layers": 3,
                "window": 32,
                "full_attention_every": 2,
            },
            [(2, 32, 0), (1, 0, 0), (1, 32, 4), (2, 0, 4)],
        ),
        ({"window": 32, "full_attention_every": 10**9}, [(6, 32, 0)]),
        ({"window": 32, "layer_types": ["full", "window", "window"]}, [(2, 0, 0), (4, 32, 0)]),
        ({"window": 32, "layer_types": ["full"]}, [(6, 0, 0)]),
        (
            {"experts": 4, "experts_per_token": 2, "experts_every": 2, "experts_from": 1},
            [(3, 0, 0), (3, 0, 4)],
        ),
        (
            {"experts": 4, "experts_per_token": 2, "experts_every": 2, "dense_layers": 1},
            [(4, 0, 0), (2, 0, 4)],
        ),
    ],
)
def test_blocks_are_gathered_into_runs(fields: dict[str, Any], expected: list[tuple[int, int, int]]) -> None:
    """Dense blocks come first, and blocks of one kind are one run, however their windows alternate."""
    assert runs(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "ffn", "shared_ffn"),
    [
        ({}, 256, 0),
        ({"expert_ffn": 32}, 32, 0),
        ({"expert_ffn": 32, "shared_experts": 2}, 32, 64),
        ({"expert_ffn": 32, "shared_ffn": 100}, 32, 100),
    ],
)
def test_experts_have_their_own_widths(fields: dict[str, Any], ffn: int, shared_ffn: int) -> None:
    """Experts are as wide as the MLP unless told otherwise; shared ones are told by number or by width."""
    shape = shape_from_inline({**SMALL, "experts": 4, "experts_per_token": 2, **fields})
    mlp = shape.blocks[0].mlp
    assert (mlp.ffn, mlp.shared_ffn) == (ffn, shared_ffn)


def test_latent_attention_is_told_by_its_ranks() -> None:
    """With a rank for the cache, heads are as wide as their parts with and without position."""
    fields = {"query_rank": 24, "kv_rank": 16, "nope_width": 8, "rope_width": 4, "value_width": 6}
    attention = shape_from_inline({**SMALL, **fields}).blocks[0].attention
    assert attention.head_width == 12
    assert attention.latent == LatentAttention(query_rank=24, kv_rank=16, nope_width=8, rope_width=4, value_width=6)


def test_chunks_are_windows_that_do_not_slide() -> None:
    """Blocks of kind chunk attend within stretches as long as the window."""
    shape = shape_from_inline({**SMALL, "window": 32, "layer_types": ["chunk", "chunk", "full"]})
    kinds = [(run.count, run.attention.window, run.attention.chunked) for run in shape.blocks]
    assert kinds == [(4, 32, True), (2, 0, False)]


@pytest.mark.parametrize(
    ("fields", "kind", "parameters"),
    [
        (
            {"recurrence": "mamba", "recurrent_head_width": 128, "state_width": 16, "step_rank": 4},
            "mamba",
            mamba(64, 128, 16, 4, 4).parameters,
        ),
        (
            {"recurrence": "mamba2", "recurrent_heads": 8, "recurrent_head_width": 16, "state_width": 32},
            "mamba2",
            mamba2(64, 8, 16, 32, 1, 4, norm=False).parameters,
        ),
        (
            {"recurrence": "delta rule", "recurrent_heads": 8, "recurrent_head_width": 16, "state_width": 8},
            "delta rule",
            delta_rule(64, 1, 8, 8, 16, 4).parameters,
        ),
        ({"recurrence": "rwkv", "recurrent_head_width": 96}, "rwkv", rwkv(64, 96).parameters),
        ({"recurrence": "short convolution", "convolution": 3}, "short convolution", 4 * 64 * 64 + 64 * 3),
        ({"recurrence": "lightning", "recurrent_heads": 8, "recurrent_head_width": 8}, "lightning", 5 * 64 * 64 + 64),
    ],
)
def test_recurrences_are_told_by_kind_and_widths(fields: dict[str, Any], kind: str, parameters: int) -> None:
    """Blocks can have a state in place of attention, or beside it, or neither of both and only an MLP."""
    shape = shape_from_inline({**SMALL, "layer_types": ["recurrent", "both", "mlp"], **fields})
    alone, both, neither = (run.recurrence for run in shape.blocks)
    assert alone is not None and alone == both and neither is None
    assert (alone.kind, alone.parameters) == (kind, parameters)
    assert [run.attention.heads for run in shape.blocks] == [0, 8, 0]


def test_mlps_may_stand_apart() -> None:
    """In Nemotron-H a block is a recurrence, an attention or an MLP, each with one norm."""
    fields = {"recurrence": "rwkv", "recurrent_head_width": 96, "mlp_apart": True, "norms": 1}
    shape = shape_from_inline({**SMALL, "layer_types": ["recurrent", "full", "mlp"], **fields})
    assert [run.mlp.ffn for run in shape.blocks] == [0, 0, 256]


def test_an_encoder_stands_before_its_decoder() -> None:
    """The encoder's blocks see all of the source; the others have cross-attention to it and a norm for that."""
    shape = shape_from_inline({**SMALL, "encoder_layers": 4, "relative_buckets": 32})
    encoder, decoder = shape.blocks
    assert (encoder.count, encoder.encoder, encoder.attention.causal, encoder.cross) == (4, True, False, None)
    assert (decoder.count, decoder.encoder, decoder.attention.causal, decoder.norms) == (6, False, True, 3)
    assert decoder.cross is not None and not decoder.cross.causal
    assert shape.other_parameters == 2 * 32 * 8


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"heads": 7},
            ["model: `head_width` is missing: a width of 64 does not divide into 7 heads; name the heads' width"],
        ),
        (
            {"kv_heads": 3},
            ["model: `kv_heads` is 3: 8 query heads cannot share 3 key and value heads evenly"],
        ),
        ({"experts": 4}, ["model: `experts_per_token` is 0: a token is sent to 0 of 4 experts"]),
        ({"experts_per_token": 2}, ["model: `experts_per_token` is 2: a token is sent to 2 of 0 experts"]),
        (
            {"dense_layers": 1},
            ["model: `dense_layers` is 1: 1 dense blocks of 6 make sense only in a mixture of experts"],
        ),
        (
            {"kv_rank": 16},
            ["model: `value_width` is 0: latent attention needs nope_width, rope_width and value_width"],
        ),
        (
            {"layers": "6", "vocab": 0, "kv_heads": 3},
            [
                "model: `layers` is '6': should be a valid integer",
                "model: `kv_heads` is 3: 8 query heads cannot share 3 key and value heads evenly",
                "model: `vocab` is 0: should be greater than or equal to 1",
            ],
        ),
        ({"hidden": None, "heads": None}, ["model: `hidden` is missing", "model: `heads` is missing"]),
        ({"heads": 0}, ["model: `layer_types` is (): attention needs heads, and `heads` is 0"]),
        (
            {"layer_types": ["chunk"]},
            ["model: `layer_types` is ['chunk']: blocks have a window, and `window` is 0"],
        ),
        ({"layer_types": ["recurrent"]}, ["model: `recurrence` is missing: recurrent blocks need it"]),
        (
            {"layer_types": ["both"], "recurrence": "mamba", "state_width": 16},
            ["model: `recurrence` is 'mamba': it needs recurrent_head_width and step_rank"],
        ),
    ],
)
def test_contradictions_are_all_named(fields: dict[str, Any], expected: list[str]) -> None:
    """Everything wrong with a description is said at once, with the value that was given."""
    with pytest.raises(ModelError) as caught:
        shape_from_inline({**SMALL, **fields})
    assert list(caught.value.findings) == expected


def test_unknown_keys_are_refused() -> None:
    """A misspelt key is no silent default: it is named, with the keys there are."""
    with pytest.raises(
        ModelError, match="`head` is not a key of a model's shape; keys are layers, hidden, ffn, heads,"
    ):
        shape_from_inline({**SMALL, "head": 8})


def test_schema_describes_every_field() -> None:
    """Editors show a sentence for each key."""
    for name, described in InlineShape.model_json_schema()["properties"].items():
        assert described["description"].endswith("."), name


def test_pruned_blocks_may_be_uneven() -> None:
    """Each block has the inner width that pruning left it, or no MLP at all; equal ones make one run."""
    shape = shape_from_inline({**SMALL, "ffn_each": [256, 128, 128, 0, 64, 128]})
    assert [(run.count, run.mlp.ffn) for run in shape.blocks] == [(1, 256), (3, 128), (1, 0), (1, 64)]
    even = shape_from_inline(SMALL)
    assert even.parameters - shape.parameters == 3 * 64 * (6 * 256 - (256 + 3 * 128 + 64))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"ffn_each": [256, 128]}, "2 widths for 6 blocks"),
        ({"ffn_each": [256] * 6, "experts": 4, "experts_per_token": 1}, "experts are of one width"),
    ],
)
def test_uneven_widths_are_told_for_each_block(fields: dict[str, Any], told: str) -> None:
    """Widths block by block are as many as blocks, of dense models."""
    with pytest.raises(ModelError, match=told):
        shape_from_inline({**SMALL, **fields})


@pytest.mark.parametrize(
    ("fields", "billions"),
    [
        # Llama-3.1-Minitron-4B-Width, pruned and distilled from the 8B: heads as wide as the teacher's.
        ({"layers": 32, "hidden": 3072, "ffn": 9216}, 4.51),
        # Llama-3.1-Minitron-4B-Depth: half of the blocks are gone.
        ({"layers": 16, "hidden": 4096, "ffn": 14336}, 4.54),
    ],
)
def test_pruned_and_distilled_models_are_given_shapes(fields: dict[str, Any], billions: float) -> None:
    """Pruned and distilled models are as large as published (arXiv 2408.11796, table 1)."""
    teacher = {"heads": 32, "kv_heads": 8, "head_width": 128, "vocab": 128256, "context_tokens": 131072}
    assert shape_from_inline({**teacher, **fields}).parameters / 1e9 == pytest.approx(billions, abs=0.01)
