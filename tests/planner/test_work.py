"""Is a token's arithmetic counted as its matrices and its attention say?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.models import load_preset
from planner.shape import ModelShape
from planner.work import block_work, head_flop, keys_met, mean_keys, model_flop
from tests.planner.builders import DENSE, LATENT_MIXED, MIXED, changed, examples

BLOCK = DENSE.blocks[0]


def forward_flop(shape: ModelShape, sequence_tokens: int) -> float:
    """All forward FLOP of a token, attention left out."""
    work = block_work(shape, sequence_tokens, 2)
    return shape.layers * (work.dense_flop + work.expert_flop) + head_flop(shape)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "llama-3.1-405b", "qwen2.5-7b", "gemma-2-27b", "gpt3-175b"])
def test_dense_training_takes_6_n(model: str) -> None:
    """Forward and backward take 6 FLOP per token and parameter but for the embedding, which is looked up."""
    shape = load_preset(model)
    used = shape.block_parameters + shape.vocab * shape.hidden
    assert 3 * forward_flop(shape, 4096) == pytest.approx(6 * used, rel=1e-3)


@pytest.mark.parametrize("model", ["mixtral-8x7b", "qwen3-30b-a3b", "deepseek-v3", "gpt-oss-120b"])
def test_experts_that_idle_take_nothing(model: str) -> None:
    """A mixture of experts takes 6 FLOP per token and active parameter."""
    shape = load_preset(model)
    active = shape.active_parameters - shape.embedding_parameters
    assert 3 * forward_flop(shape, 4096) == pytest.approx(6 * active, rel=2e-3)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "llama-2-7b", "gpt3-175b"])
@pytest.mark.parametrize("sequence_tokens", [2048, 8192])
def test_attention_adds_6_l_h_s(model: str, sequence_tokens: int) -> None:
    """Causal attention adds 6 L h s to a training step's FLOP per token: half of PaLM's 12 L h s."""
    shape = load_preset(model)
    attention = shape.layers * block_work(shape, sequence_tokens, 2).attention_flop
    assert 3 * attention == 6 * shape.layers * shape.hidden * sequence_tokens


def test_a_dense_block_matrix_by_matrix() -> None:
    """Each matrix of a block takes two FLOP an element."""
    matrices = [(512, 512), (512, 128), (512, 128), (512, 512), (512, 1536), (512, 1536), (1536, 512)]
    work = block_work(DENSE, 1024, 2)
    assert work.dense_flop == 2 * sum(rows * columns for rows, columns in matrices)
    assert work.expert_flop == 0
    assert head_flop(DENSE) == 2 * 512 * 8192


def test_a_block_of_experts_matrix_by_matrix() -> None:
    """A token passes the router, the shared expert and as many routed experts as it is sent to."""
    work = block_work(MIXED, 1024, 2)
    attention = 2 * 512 * 512 + 2 * 512 * 128
    assert work.dense_flop == 2 * (attention + 512 * 16 + 3 * 512 * 128)
    assert work.expert_flop == 2 * 2 * 3 * 512 * 256


def test_unequal_blocks_are_averaged() -> None:
    """Work is that of an average block, so that layers times it is the whole model's."""
    work = block_work(LATENT_MIXED, 1024, 2)
    experts = sum(run.count * run.mlp.experts_per_token * 3 * 512 * run.mlp.ffn for run in LATENT_MIXED.blocks[1:])
    assert 8 * work.expert_flop == 2 * experts
    latents = sum(run.count * run.attention.parameters(512) for run in LATENT_MIXED.blocks)
    others = sum(run.count * run.mlp.other_parameters(512) for run in LATENT_MIXED.blocks)
    assert 8 * work.dense_flop == pytest.approx(2 * (latents + others))


def test_widths_are_those_of_the_products() -> None:
    """An expert's rows are as wide as the expert, however wide the dense blocks beside it are."""
    work = block_work(LATENT_MIXED, 1024, 2)
    assert (work.expert_width, work.expert_share) == (128, 4 / 16)
    assert block_work(DENSE, 1024, 2).dense_width == 1536
    assert block_work(DENSE, 1024, 2).expert_share == 0


def test_latent_attention_has_narrower_values() -> None:
    """Scores take queries as wide as nope and rope together, values their own width."""
    work = block_work(LATENT_MIXED, 1024, 2)
    assert work.attention_flop == 2 * 512 * 8 * (48 + 24)


@examples
@given(st.integers(1, 300), st.integers(0, 400))
def test_mean_keys_are_those_under_the_mask(sequence_tokens: int, window: int) -> None:
    """A query meets as many keys on average as the mask lets through, but for half of itself."""
    seen = [min(place + 1, window or sequence_tokens) for place in range(sequence_tokens)]
    assert mean_keys(sequence_tokens, window) == pytest.approx(sum(seen) / sequence_tokens, abs=0.5)


def test_windows_bound_attention() -> None:
    """Far beyond its window a block's attention no longer grows with the sequence."""
    windowed = changed(DENSE, blocks=(changed(BLOCK, attention=changed(BLOCK.attention, window=128)),))
    near, far = (block_work(windowed, tokens, 2).attention_flop for tokens in (100_000, 200_000))
    assert near == pytest.approx(far, rel=1e-3) == pytest.approx(2 * 128 * 2 * 512, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, 512),
        ({"window": 128}, 128 * (1 - 128 / 2048)),
        # Within its chunk a query meets half the chunk.
        ({"window": 128, "chunked": True}, 64),
        ({"window": 4096, "chunked": True}, 512),
        # Without a mask it meets all tokens, or all of a window about it.
        ({"causal": False}, 1024),
        ({"causal": False, "window": 128}, 128),
        ({"causal": False, "window": 4096}, 1024),
    ],
)
def test_keys_follow_mask_and_window(changes: dict[str, object], keys: float) -> None:
    """How many keys a query of 1,024 tokens meets depends on mask, window and chunks."""
    assert keys_met(changed(BLOCK.attention, **changes), 1024) == pytest.approx(keys)


@pytest.mark.parametrize("model", ["bert-large", "esm2-3b"])
def test_encoders_attend_twice_as_much(model: str) -> None:
    """Without a causal mask attention takes 4 L h s forward."""
    shape = load_preset(model)
    assert shape.layers * block_work(shape, 512, 2).attention_flop == 4 * shape.layers * shape.hidden * 512


def test_an_encoder_decoder_token_passes_both_stacks() -> None:
    """A token of source and one of target pass every matrix once, and cross-attention meets the whole source."""
    shape = load_preset("flan-t5-xl")
    used = shape.block_parameters + shape.vocab * shape.hidden
    assert 3 * forward_flop(shape, 512) == pytest.approx(6 * used, rel=1e-3)
    # Encoder and cross-attention meet 512 keys, the decoder's own half of them.
    met = 24 * (512 + 256 + 512) * 4 * 2048
    assert shape.layers * block_work(shape, 512, 2).attention_flop == met


@pytest.mark.parametrize("model", ["mamba-2.8b", "mamba2-2.7b", "rwkv-4-7b", "falcon-h1-7b"])
def test_recurrences_take_6_n_too(model: str) -> None:
    """A recurrence's products take 6 FLOP per token and weight but for convolutions, norms and decays."""
    shape = load_preset(model)
    used = shape.block_parameters + shape.vocab * shape.hidden
    assert 3 * forward_flop(shape, 2048) == pytest.approx(6 * used, rel=0.01)


def test_a_recurrence_does_not_look_back() -> None:
    """What a token does in a scan does not depend on how long the sequence is; Mamba-2 does 7 FLOP per state."""
    shape = load_preset("mamba2-2.7b")
    near, far = (block_work(shape, tokens, 2).attention_flop for tokens in (1024, 100_000))
    assert near == far == 7 * 5120 * 128 + 2 * 4 * (5120 + 256)


def test_folding_meets_in_triangles() -> None:
    """Products and meetings of a folding model are those of its blocks, averaged over both stacks."""
    shape = load_preset("alphafold2")
    work = block_work(shape, 384, 2)
    whole = sum(run.count * run.evoformer.flop(384) for run in shape.blocks if run.evoformer)
    assert shape.layers * (work.dense_flop + work.attention_flop) == pytest.approx(whole)
    assert work.dense_width > 0


def test_a_head_that_is_not_there_takes_nothing() -> None:
    """Without a head there are no logits; a dense layer before it is counted with it."""
    assert head_flop(changed(DENSE, head=False)) == 0
    assert head_flop(changed(DENSE, head_transform=True)) == 2 * 512 * (8192 + 512)


@pytest.mark.parametrize(("gated", "rows_of_ffn"), [(True, 3), (False, 2)])
def test_traffic_beside_the_products(gated: bool, rows_of_ffn: int) -> None:
    """Norms move two rows, residuals three, rotary reads and writes queries and keys, the activation its own."""
    shape = changed(DENSE, blocks=(changed(BLOCK, mlp=changed(BLOCK.mlp, gated=gated)),))
    expected = 2 * (2 + 3) * 512 + 2 * (512 + 128) + rows_of_ffn * 1536
    assert block_work(shape, 1024, 2).moved_bytes == 2 * expected
    assert block_work(shape, 1024, 4).moved_bytes == 4 * expected


def test_the_model_asks_for_6_n_and_its_attention() -> None:
    """Nothing done again counts; a causal mask halves attention, frozen weights leave out a third of products."""
    attention = DENSE.layers * block_work(DENSE, 1024, 2).attention_flop
    products = forward_flop(DENSE, 1024)
    assert model_flop(DENSE, 1024) == pytest.approx(3 * (products + attention))
    assert model_flop(DENSE, 1024, masked=False) == pytest.approx(3 * (products + 2 * attention))
    assert model_flop(DENSE, 1024, frozen=True) == pytest.approx(2 * products + 3 * attention)
    inside = products - head_flop(DENSE)
    part = 1.5 * inside + 3 * head_flop(DENSE) + 1.5 * attention
    assert model_flop(DENSE, 1024, trained=0.25) == pytest.approx(part)
    encoder = changed(DENSE, blocks=(changed(BLOCK, attention=changed(BLOCK.attention, causal=False)),))
    assert model_flop(encoder, 1024, masked=False) == model_flop(encoder, 1024)
