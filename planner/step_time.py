"""How long does one step of a serving engine take?

A step decodes the next token of so many sequences and works on so many tokens of prompts. Weights and cache are read
at a share of the memory's rate, products reach a share of their peak that grows with the rows they have, and what is
read hides behind what is computed in part. Every block costs the launch of its kernels, tensor ranks add up twice a
block, the engine schedules, samples and hands out tokens. Every factor is a number or an array of them, so that one
call answers for one step, many layouts, or all measured runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.calibration import StepFactors
from planner.expert_ranks import busiest_share, fullest_rank
from planner.step_work import StepWork


def step_s(
    work: StepWork,
    factors: StepFactors,
    sequences: Any,
    cache_tokens: Any,
    prompt_tokens: Any = 0.0,
    prompt_pairs: Any = 0.0,
    undivided: Any = False,
    each_prompt: Any = np.inf,
) -> Any:
    """Seconds from one token of a sequence to its next.

    `sequences` are decoded, with `cache_tokens` of live cache in all; `prompt_tokens` are the tokens of prompts that
    are worked on beside, `prompt_pairs` the keys that these meet, summed over them (half the square of a prompt that
    starts in this step). On a pipeline every stage in turn works on its part of both, and with fewer sequences than
    stages some stand idle; a piece that is `undivided` passes them one after the other, as a lone prompt does. Data
    ranks divide sequences, and prompts of `each_prompt` tokens, among them, and wait for the busiest.
    """
    share = np.maximum(1.0 / work.stages, 1.0 / np.maximum(sequences, 1.0))
    decoded, live = sequences * share, cache_tokens * share
    share = np.where(undivided, 1.0, 1.0 / work.stages)
    fresh, pairs = prompt_tokens * share, prompt_pairs * share
    rows = decoded + fresh
    ranks = np.minimum(work.data, np.maximum(sequences, 1.0))
    busiest = busiest_share(work.data, prompt_tokens, each_prompt)
    decoded, live, fresh, pairs = decoded / ranks, live / ranks, fresh * busiest, pairs * busiest
    stage = _products_s(work, factors, decoded, fresh, rows)
    stage = stage + _attention_s(work, factors, decoded, live, fresh, pairs)
    stage = stage + _sums_s(work, factors, decoded + fresh) + _exchange_s(work, factors, rows)
    stage = stage + _fixed_s(work, factors, fresh)
    each_s = factors.step_s + factors.sequence_s * sequences / ranks
    return work.stages * (stage + _hop_s(work, factors, decoded + fresh)) + each_s


def _products_s(work: StepWork, factors: StepFactors, decoded: Any, fresh: Any, all_rows: Any) -> Any:
    """Products with weights: dense ones, the head's and the experts', which have the rows of all data ranks."""
    rows = decoded + fresh
    bandwidth = factors.memory * work.memory_bytes_per_s
    full = rows + factors.half_rows
    wide, narrow = factors.matmul * work.wide_flop_per_s, factors.narrow * work.narrow_flop_per_s
    # Of a prompt only the last token passes the head; which step has it does not matter to the mean.
    slower = np.where(work.emulated_dense, factors.unpacked, 1.0)
    dense = full * (work.wide_flop / (slower * wide) + work.narrow_flop / narrow) + decoded * work.head_flop / wide
    dense_s = _both(work.dense_bytes / bandwidth, dense, factors.overlap)
    # A token alone chooses as many as it needs.
    choices = np.maximum(factors.spread * all_rows, np.minimum(all_rows, 1.0))
    touched = 1 - (1 - work.experts_per_token / work.experts) ** choices
    uneven = fullest_rank(factors.imbalance, work.expert)
    each = work.expert_flop / work.experts_per_token
    computed = (all_rows * work.experts_per_token + touched * work.experts * factors.half_rows) * each
    unpacked = np.where(work.emulated_blocks, factors.unpacked, 1.0)
    peak = factors.grouped * np.where(work.wide_experts, wide * unpacked, narrow)
    expert_s = uneven * _both(touched * work.expert_bytes / bandwidth, computed / peak, factors.overlap)
    return dense_s + expert_s + rows * work.moved_bytes / bandwidth


def _attention_s(work: StepWork, factors: StepFactors, decoded: Any, live: Any, fresh: Any, pairs: Any) -> Any:
    """Reading the cache, and queries meeting keys. A prompt's pairs within a window are bounded by it."""
    inside = np.minimum(live, decoded * work.window)
    times = 1 + factors.rereads * (work.odd_group - 1)
    read = times * live * work.cache_bytes + inside * work.window_bytes + decoded * work.state_bytes
    peak = factors.attention * work.wide_flop_per_s
    decode = live * work.cache_flop + inside * work.window_flop
    near = np.minimum(pairs, fresh * work.window)
    prompt = pairs * work.pair_flop + near * work.window_pair_flop
    return np.maximum(read / (factors.cache * work.memory_bytes_per_s), decode / peak) + prompt / peak


def _sums_s(work: StepWork, factors: StepFactors, rows: Any) -> Any:
    """Two all-reduces a block, in a ring: 2 (n - 1) / n of the rows' bytes pass each link. An exchange replaces one."""
    ranks = work.tensor
    latency = np.where(work.staged, factors.staged_reduce_s, factors.reduce_s)
    share = np.where(work.staged, factors.staged_link, factors.link)
    moved = 2 * (ranks - 1) / ranks * rows * work.message_bytes / (share * work.link_bytes_per_s)
    return np.where(np.greater(ranks, 1), (2 * work.blocks - work.exchange_blocks) * (latency + moved), 0.0)


def _exchange_s(work: StepWork, factors: StepFactors, rows: Any) -> Any:
    """All-gather and reduce-scatter of all data ranks' rows over all ranks of an expert layer: the bytes of an
    all-reduce, and its latency, with a way between nodes for each of the two and every node passed."""
    ranks, far = work.tensor * work.data, np.greater(work.exchange_hops, 0)
    near = np.where(work.staged, factors.staged_link, factors.link)
    latency = np.where(work.staged, factors.staged_reduce_s, factors.reduce_s)
    latency = latency + 2 * work.exchange_hops * factors.network_latency_s
    rate = np.where(far, factors.network, near) * work.exchange_bytes_per_s
    moved = 2 * (ranks - 1) / ranks * rows * work.message_bytes / rate
    return np.where(np.greater(work.exchange_blocks, 0), work.exchange_blocks * (latency + moved), 0.0)


def _hop_s(work: StepWork, factors: StepFactors, rows: Any) -> Any:
    """From one stage of a pipeline to the next, over the link or over the network."""
    far = np.asarray(work.hops_nodes, dtype=bool)
    rate = np.where(far, factors.network, factors.link) * work.hop_bytes_per_s
    latency = np.where(far, factors.network_latency_s, factors.reduce_s)
    return np.where(np.greater(work.stages, 1), rows * work.hop_bytes / rate + latency, 0.0)


def _fixed_s(work: StepWork, factors: StepFactors, fresh: Any) -> Any:
    """Launches: of a graph, and without one where tokens of prompts are in the step."""
    return (
        work.blocks * factors.block_s
        + work.blocks * np.where(np.greater(fresh, 0), factors.prompt_block_s, 0.0)
        + work.expert_blocks * factors.expert_block_s
        + work.recurrent_blocks * factors.recurrent_block_s
        + work.latent_blocks * factors.latent_block_s
        + work.packed_blocks * factors.packed_block_s
        + work.emulated_blocks * factors.emulated_block_s
    )


def _both(read_s: Any, compute_s: Any, overlap: Any) -> Any:
    """Reading and computing at once, as far as they overlap."""
    return np.maximum(read_s, compute_s) + (1 - overlap) * np.minimum(read_s, compute_s)
