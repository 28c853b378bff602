"""How much arithmetic and traffic does one token cause in the model's blocks and head?

FLOP count a multiply and an add as two. Decoders' attention is counted causally: a query meets half the keys on
average; an encoder's meets all. In an encoder-decoder source and target are taken as long as each other, and a
token stands for one of each. A folding model's token is a residue, with its column of the alignment and its row
of pairs. Averages are over all blocks, since stages of a pipeline hold a mix.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from planner.evoformer import TRANSITION
from planner.shape import Attention, Blocks, ModelShape


class BlockWork(Struct, frozen=True, kw_only=True):
    """Forward work of one token in an average block, before any sharding.

    `expert_flop` is the routed experts' part of the products; `attention_flop` is where tokens meet: attention,
    the scan of a recurrence (planner.recurrence), triangles of pairs (planner.evoformer). `moved_bytes` is what
    norms, residuals, rotary embeddings and activation functions read and write; `ends_bytes` is the part of norms and
    residuals, which tensor ranks share only along the sequence. Widths are elements of a row, for
    efficiencies; `expert_share` is the share of a batch's tokens that one expert sees.
    """

    dense_flop: float
    expert_flop: float
    attention_flop: float
    moved_bytes: float
    ends_bytes: float
    dense_width: float
    expert_width: float
    expert_share: float


def block_work(shape: ModelShape, sequence_tokens: int, element_bytes: float) -> BlockWork:
    """Forward work of one token of a sequence of `sequence_tokens` in an average block."""
    runs = shape.blocks

    def mean(each: list[float]) -> float:
        return sum(run.count * value for run, value in zip(runs, each, strict=True)) / shape.layers

    return BlockWork(
        dense_flop=mean([_dense_flop(run, shape.hidden, sequence_tokens) for run in runs]),
        expert_flop=mean([2.0 * _active_expert_parameters(run, shape.hidden) for run in runs]),
        attention_flop=mean([_attention_flop(run, sequence_tokens) for run in runs]),
        moved_bytes=mean([_moved_elements(run, shape.hidden, sequence_tokens) * element_bytes for run in runs]),
        ends_bytes=mean([_end_elements(run, shape.hidden) * element_bytes for run in runs]),
        dense_width=mean([_dense_width(run) for run in runs]),
        expert_width=max((float(run.mlp.ffn) for run in runs if run.mlp.experts), default=1.0),
        expert_share=max(run.mlp.experts_per_token / max(run.mlp.experts, 1) for run in runs),
    )


def head_flop(shape: ModelShape) -> float:
    """Forward FLOP of one token in the head."""
    return 2.0 * shape.hidden * (shape.logits_width + shape.hidden * shape.head_transform)


def model_flop(
    shape: ModelShape, sequence_tokens: int, *, frozen: bool = False, trained: float = 1.0, masked: bool = True
) -> float:
    """FLOP of one token's training that the model asks for: what is recomputed is not counted, nor is the embedding.

    A backward pass counts twice a forward one, once for products with frozen weights, and is made for the share of the
    blocks that is `trained` layer by layer. With `masked` the pairs of tokens that a causal mask leaves out are not
    counted; publishers who count them report more (PaLM, arXiv 2204.02311, appendix B).
    """
    work = block_work(shape, sequence_tokens, 0.0)
    causal = all(run.attention.causal for run in shape.blocks)
    pairs = 1.0 if masked or not causal else 2.0
    block = block_flop(work, frozen=frozen, trained=trained, pairs=pairs)
    return float(shape.layers * block + (2 if frozen else 3) * head_flop(shape))


def block_flop(work: BlockWork, *, frozen: bool, trained: Any, pairs: float = 1.0) -> Any:
    """FLOP of one token's training in an average block; `pairs` is how often its causal pairs of tokens count."""
    products = (1 + (1 if frozen else 2) * trained) * (work.dense_flop + work.expert_flop)
    return products + (1 + 2 * trained) * pairs * work.attention_flop


def mean_keys(sequence_tokens: int, window: int) -> float:
    """Keys that a query meets on average under a causal mask, with a sliding window where `window` is not 0."""
    if not window or window >= sequence_tokens:
        return sequence_tokens / 2
    return window * (1 - window / (2 * sequence_tokens))


def keys_met(attention: Attention, sequence_tokens: int) -> float:
    """Keys that a query of a sequence meets on average, by mask and window."""
    if not attention.causal:
        return min(sequence_tokens, attention.window or sequence_tokens)
    if attention.chunked and attention.window:
        return min(sequence_tokens, attention.window) / 2
    return mean_keys(sequence_tokens, attention.window)


def _dense_flop(run: Blocks, hidden: int, sequence_tokens: int) -> float:
    if run.evoformer:
        return run.evoformer.flop(sequence_tokens) - run.evoformer.attention_flop(sequence_tokens)
    matrices = run.attention.parameters(hidden) + run.mlp.other_parameters(hidden)
    matrices += run.recurrence.matrices if run.recurrence else 0
    # Keys and values of the source are made once for each of its tokens, of which there are as many.
    return 2.0 * (matrices + (run.cross.parameters(hidden) if run.cross else 0))


def _dense_width(run: Blocks) -> float:
    """Width of the rows that most products make."""
    if run.evoformer:
        return float(TRANSITION * run.evoformer.msa_width)
    if run.mlp.ffn and not run.mlp.experts:
        return float(run.mlp.ffn)
    return float(run.attention.query_width or (run.recurrence.width if run.recurrence else run.mlp.ffn))


def _active_expert_parameters(run: Blocks, hidden: int) -> int:
    return run.mlp.experts_per_token * run.mlp.matrices * hidden * run.mlp.ffn if run.mlp.experts else 0


def _attention_flop(run: Blocks, sequence_tokens: int) -> float:
    if run.evoformer:
        return run.evoformer.attention_flop(sequence_tokens)
    flop = float(run.recurrence.scan_flop) if run.recurrence else 0.0
    for attention in (run.attention, run.cross):
        if attention:
            widths = attention.query_width + attention.value_width
            flop += 2.0 * keys_met(attention, sequence_tokens) * widths
    return flop


def _moved_elements(run: Blocks, hidden: int, sequence_tokens: int) -> float:
    if run.evoformer:
        # Each tensor that is kept is written once and read once.
        return 2.0 * run.evoformer.kept_elements(sequence_tokens)
    attention, mlp = run.attention, run.mlp
    ends = _end_elements(run, hidden)
    rotary = 2 * (attention.query_width + attention.kv_width)
    inner = 2 * run.recurrence.kept if run.recurrence else 0
    # The activation function reads its inputs and writes the product that the down matrix takes.
    return ends + rotary + inner + mlp.matrices * mlp.active_ffn


def _end_elements(run: Blocks, hidden: int) -> float:
    """Elements that norms and residuals move: a norm reads and writes its row, a residual sum reads two and writes one.

    A block has two of each, and a third with cross-attention.
    """
    return 0.0 if run.evoformer else (3 if run.cross else 2) * (2 + 3) * float(hidden)
