"""What does a sequence's cache take of one device?"""

from __future__ import annotations

import pytest

from planner.kv_cache import cache_bytes, largest_block_cache_bytes
from planner.models import load_preset
from pricing.units import GIB


@pytest.mark.parametrize(
    ("model", "tokens", "tensor", "gib"),
    [
        # 61 blocks x 576 elements x 2 bytes, on each rank.
        ("deepseek-v3", 32_000, 1, 2.094),
        ("deepseek-v3", 32_000, 8, 2.094),
        # One key and value head: 32 blocks x 2 x 64 x 2 bytes, on each rank.
        ("falcon-7b", 2_048, 8, 0.015625),
        # 8 heads: 80 blocks x 2 x 8 x 128 x 2 bytes, one head on each of 8 and of 16 ranks.
        ("llama-3.1-70b", 32_000, 8, 1.2207),
        ("llama-3.1-70b", 32_000, 16, 1.2207),
        # 10 blocks see 32,768 tokens, 52 the last 1,024, of 2 x 16 x 128 elements each.
        ("gemma-3-27b", 32_768, 1, 2.906),
        # 32 blocks see 4,096 of 32,768 tokens.
        ("mistral-7b-v0.1", 32_768, 1, 0.5),
    ],
)
def test_copies_and_windows_count(model: str, tokens: int, tensor: int, gib: float) -> None:
    """Heads are divided as far as there are any, the latent is not; windows bound their blocks."""
    assert cache_bytes(load_preset(model), 2.0, tokens, tensor) / GIB == pytest.approx(gib, rel=1e-3)


@pytest.mark.parametrize("model", ["gpt-oss-20b", "llama-4-scout", "gemma-3-27b"])
def test_a_window_leaves_short_sequences_alone(model: str) -> None:
    """Below the window all tokens are kept; beyond it fewer than a whole cache has."""
    shape = load_preset(model)
    window = min(run.attention.window for run in shape.blocks if run.attention.window)
    short, long = window, 32 * 8192
    assert cache_bytes(shape, 2.0, short) == cache_bytes(shape, 2.0, short, whole=True)
    assert cache_bytes(shape, 2.0, long) < 0.7 * cache_bytes(shape, 2.0, long, whole=True)
    assert largest_block_cache_bytes(shape, 2.0, long) * shape.layers == cache_bytes(shape, 2.0, long, whole=True)
