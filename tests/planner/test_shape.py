"""Are parameters counted right?"""

from __future__ import annotations

import pytest

from planner.recurrence import lightning
from planner.shape import NO_ATTENTION, NO_MLP, Attention, Blocks, LatentAttention, Mlp, ModelShape
from pricing.records import replace

HIDDEN = 64
LATENT = LatentAttention(query_rank=24, kv_rank=16, nope_width=8, rope_width=4, value_width=6)


def attention(**changes: object) -> Attention:
    return replace(Attention(heads=8, kv_heads=2, head_width=10), **changes)  # type: ignore[arg-type]


def mlp(**changes: object) -> Mlp:
    return replace(Mlp(ffn=100), **changes)  # type: ignore[arg-type]


def shape(**changes: object) -> ModelShape:
    base = ModelShape(
        name="small",
        hidden=HIDDEN,
        vocab=1000,
        blocks=(Blocks(count=3, attention=attention(), mlp=mlp()),),
        context_tokens=128,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        # Queries and output 64 x 80 each, keys and values 64 x 20 each.
        ({}, 2 * 64 * 80 + 2 * 64 * 20),
        ({"kv_heads": 8}, 4 * 64 * 80),
        ({"qkv_bias": True}, 2 * 64 * 80 + 2 * 64 * 20 + 80 + 20 + 20),
        ({"output_bias": True}, 2 * 64 * 80 + 2 * 64 * 20 + 64),
        ({"qk_norm": True}, 2 * 64 * 80 + 2 * 64 * 20 + 10 + 10),
        ({"qk_norm": True, "qk_norm_shared": False}, 2 * 64 * 80 + 2 * 64 * 20 + 80 + 20),
        ({"sinks": True}, 2 * 64 * 80 + 2 * 64 * 20 + 8),
        ({"gated": True}, 3 * 64 * 80 + 2 * 64 * 20),
        ({"causal": False}, 2 * 64 * 80 + 2 * 64 * 20),
        # Down to 24 and a norm, up to 8 x 12; down to 16 + 4 and a norm, up to 8 x (8 + 6); 48 out.
        (
            {"latent": LATENT, "kv_heads": 8, "head_width": 12},
            64 * 24 + 24 + 24 * 96 + 64 * 20 + 16 + 16 * 112 + 48 * 64,
        ),
        (
            {"latent": replace(LATENT, query_rank=0), "kv_heads": 8, "head_width": 12},
            64 * 96 + 64 * 20 + 16 + 16 * 112 + 48 * 64,
        ),
    ],
)
def test_attention_parameters(changes: dict[str, object], parameters: int) -> None:
    """Projections, biases and norms of each kind of attention are counted one by one."""
    assert attention(**changes).parameters(HIDDEN) == parameters


@pytest.mark.parametrize(
    ("changes", "others", "experts", "active_ffn"),
    [
        ({}, 3 * 64 * 100, 0, 100),
        ({"bias": True}, 3 * 64 * 100 + 100 + 100 + 64, 0, 100),
        ({"gated": False, "bias": True}, 2 * 64 * 100 + 100 + 64, 0, 100),
        ({"experts": 4, "experts_per_token": 2}, 64 * 4, 4 * 3 * 64 * 100, 200),
        (
            {
                "experts": 4,
                "experts_per_token": 1,
                "shared_ffn": 50,
                "shared_gate": True,
                "router_bias": True,
            },
            64 * 4 + 4 + 3 * 64 * 50 + 64,
            4 * 3 * 64 * 100,
            150,
        ),
    ],
)
def test_mlp_parameters(changes: dict[str, object], others: int, experts: int, active_ffn: int) -> None:
    """Routed experts are kept apart from what every token passes."""
    layer = mlp(**changes)
    assert layer.other_parameters(HIDDEN) == others
    assert layer.expert_parameters(HIDDEN) == experts
    assert layer.active_ffn == active_ffn


def test_cache_width_is_what_a_token_leaves_behind() -> None:
    """A token leaves a key and a value per key head, or with latent attention one latent and one rope key."""
    assert attention().cache_width == 2 * 2 * 10
    assert attention(latent=LATENT, kv_heads=8, head_width=12).cache_width == 16 + 4
    assert shape().cache_width_per_token == 3 * 40


def test_latent_values_have_a_width_of_their_own() -> None:
    """Queries and keys are nope + rope wide, the heads' outputs as wide as the values."""
    latent = attention(latent=LATENT, kv_heads=8, head_width=12)
    assert (latent.query_width, latent.value_width) == (8 * 12, 8 * 6)


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({"tied_embeddings": True}, -1000 * 64),
        ({"positions": 128}, 128 * 64),
        ({"head_bias": True}, 1000),
        ({"final_norm": False}, -64),
        ({"embedding_norm": True}, 64),
        # Two norms in each of three blocks, and the final one.
        ({"norm_bias": True}, 7 * 64),
        # Both matrices narrower, a projection at either end.
        ({"embedding_width": 32}, -2 * 1000 * 32 + 2 * 64 * 32),
        ({"head": False}, -1000 * 64),
        ({"head": False, "tied_embeddings": True, "head_bias": True}, -1000 * 64),
        ({"token_types": 2}, 2 * 64),
        ({"pooler": True}, 64 * 64 + 64),
        # A dense layer and a norm; with biases in norms it has one too.
        ({"head_transform": True}, 64 * 64 + 64),
        ({"head_transform": True, "norm_bias": True}, 64 * 64 + 64 + 2 * 64 + 7 * 64),
        ({"other_parameters": 5}, 5),
        ({"embedding_width": 32, "tied_embeddings": True}, -2 * 1000 * 32 + 2 * 64 * 32 - 1000 * 32),
    ],
)
def test_what_stands_outside_the_blocks(changes: dict[str, object], added: int) -> None:
    """Each part around the blocks adds its own parameters, and tied ones count once."""
    assert shape(**changes).parameters == shape().parameters + added


def test_parts_add_up_to_the_whole() -> None:
    """Embedding, blocks and head are all there is in a model that ties nothing."""
    whole = shape()
    per_block = attention().parameters(HIDDEN) + 3 * 64 * 100 + 2 * 64
    assert whole.block_parameters == 3 * per_block
    assert whole.parameters == 1000 * 64 + 3 * per_block + 1000 * 64 + 64


def test_idle_experts_are_not_active() -> None:
    """A token passes all of the model but the experts that it is not sent to."""
    dense = Blocks(count=1, attention=attention(), mlp=mlp())
    mixed = Blocks(count=2, attention=attention(), mlp=mlp(experts=4, experts_per_token=1))
    model = shape(blocks=(dense, mixed))
    assert model.parameters - model.active_parameters == 2 * 3 * (3 * 64 * 100)
    assert model.expert_parameters == 2 * 4 * (3 * 64 * 100)
    assert (model.layers, model.experts) == (3, 4)


def test_the_fewest_heads_decide() -> None:
    """How far heads can be split is told by the block that has the fewest."""
    few = Blocks(count=1, attention=attention(heads=4, kv_heads=1), mlp=mlp())
    many = Blocks(count=1, attention=attention(), mlp=mlp())
    assert (shape(blocks=(many, few)).heads, shape(blocks=(many, few)).kv_heads) == (4, 1)


RECURRENCE = lightning(HIDDEN, 16, 4)
RECURRENT = Blocks(count=2, attention=NO_ATTENTION, mlp=mlp(), recurrence=RECURRENCE)


def test_a_recurrence_stands_in_place_of_attention() -> None:
    """A block without attention has no cache, and is split by the recurrence's heads; beside attention both count."""
    assert RECURRENT.parameters(HIDDEN, False) == RECURRENCE.parameters + 3 * 64 * 100 + 2 * 64
    assert (RECURRENT.heads, RECURRENT.kv_heads, RECURRENT.cache_width) == (16, 16, 0)
    both = replace(RECURRENT, attention=attention())
    assert both.parameters(HIDDEN, False) == RECURRENT.parameters(HIDDEN, False) + attention().parameters(HIDDEN)
    assert (both.heads, both.kv_heads, both.cache_width) == (8, 2, 40)
    assert shape(blocks=(RECURRENT, both)).state_per_sequence == 4 * RECURRENCE.state


def test_blocks_without_attention_do_not_hold_back_the_others() -> None:
    """How far heads can be split is told by the blocks that have some."""
    alone = Blocks(count=1, attention=NO_ATTENTION, mlp=mlp())
    few = Blocks(count=1, attention=attention(heads=4, kv_heads=1), mlp=mlp())
    assert (shape(blocks=(alone, few)).heads, shape(blocks=(alone, few)).kv_heads) == (4, 1)
    assert NO_ATTENTION.parameters(HIDDEN) == NO_ATTENTION.cache_width == NO_ATTENTION.value_width == 0
    assert NO_MLP.other_parameters(HIDDEN) == NO_MLP.active_ffn == 0


def test_an_encoder_keeps_no_cache() -> None:
    """Tokens that meet all others are read once; nothing of them is kept for later ones."""
    assert attention(causal=False).cache_width == 0


def test_two_stacks_have_two_ends() -> None:
    """An encoder-decoder has positions, embedding norm and final norm twice, and cross-attention with a cache."""
    encoder = Blocks(count=2, attention=attention(causal=False), mlp=mlp(), encoder=True)
    decoder = Blocks(count=3, attention=attention(), mlp=mlp(), norms=3, cross=attention(causal=False, kv_heads=8))
    both = shape(blocks=(encoder, decoder), positions=128, embedding_norm=True)
    alone = shape(blocks=(decoder,), positions=128, embedding_norm=True)
    assert (both.stacks, alone.stacks, both.layers) == (2, 1, 5)
    ends = 128 * 64 + 64 + 64
    assert both.parameters == alone.parameters + 2 * encoder.parameters(HIDDEN, False) + ends
    assert decoder.cache_width == 40 + 2 * 80
    assert both.cache_width_per_token == 3 * (40 + 160)
    assert decoder.parameters(HIDDEN, False) == (
        attention().parameters(HIDDEN) + attention(kv_heads=8).parameters(HIDDEN) + 3 * 64 * 100 + 3 * 64
    )
