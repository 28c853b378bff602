"""How many bytes of cache does one sequence keep on a device?

Tensor ranks divide key and value heads as far as there are heads; beyond that, and of MLA's latent, each has a copy
(vLLM's QKVParallelLinear and MLA backends). Blocks with a window need no more tokens than it has (Transformers'
sliding layers of DynamicCache, vLLM's SlidingWindowManager and ChunkedLocalAttentionManager).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.shape import Attention, Blocks, ModelShape


def live_tokens(attention: Attention, tokens: float) -> float:
    """Tokens that a query at the end of so many still sees."""
    return min(tokens, attention.window) if attention.window else tokens


def cache_bytes(shape: ModelShape, kv_bytes: float, tokens: float, tensor: Any = 1, whole: bool = False) -> Any:
    """Bytes of all blocks' cache of a sequence on one of `tensor` ranks; with `whole` of all tokens, seen or not."""
    total = 0.0 * tensor
    for run in shape.blocks:
        total = total + run.count * block_cache_bytes(run, kv_bytes, tokens, tensor, whole)
    return total


def largest_block_cache_bytes(shape: ModelShape, kv_bytes: float, tokens: float, tensor: Any = 1) -> Any:
    """Bytes of the cache of the block that keeps most."""
    return max(block_cache_bytes(run, kv_bytes, tokens, tensor) for run in shape.blocks)


def block_cache_bytes(run: Blocks, kv_bytes: float, tokens: float, tensor: Any = 1, whole: bool = False) -> Any:
    """Bytes of one block's cache of a sequence on one of `tensor` ranks. Attention to a source has no window."""
    attention = run.attention
    split = 1 if attention.latent else np.minimum(tensor, attention.kv_heads)
    own = attention.cache_width * (tokens if whole else live_tokens(attention, tokens))
    return kv_bytes * (own + (run.cache_width - attention.cache_width) * tokens) / split
