"""How many bytes of activations does one token leave behind in one block?

PyTorch keeps, per operation, what its backward needs. The tables below sum those tensors for a pre-norm block;
what an operation keeps is the software's (planner.software), what is trained and recomputed the recipe's.
Korthikanti et al. 2022 (arXiv 2205.05198) give the method; their constant of 34 is for a plain MLP, multi-head
attention and dropout, and is not used. Flash attention (Dao et al. 2022, arXiv 2205.14135) keeps no s x s matrix.
"""

from __future__ import annotations

from msgspec import Struct

from planner.recipe import AdapterKind, AdapterTargets, Recipe, Recompute
from planner.routing import RowBytes
from planner.shape import Attention, Blocks, ModelShape
from planner.software import Software

# Flash attention keeps one float32 log-sum-exp per head and token.
LOGSUMEXP_BYTES = 4
# Kinds of adapters whose own gradient needs the input of the matrices they sit on.
_ON_INPUTS = (AdapterKind.LOW_RANK, AdapterKind.DORA)
# DoRA's magnitudes need what the frozen matrix and the adapter made (PEFT, tuners/lora/dora.py: two products).
_DORA_ROWS = 2
_MLP_TARGETS = (
    AdapterTargets.ALL_LINEAR,
    AdapterTargets.MLP,
    AdapterTargets.QUERY_KEY_VALUE_MLP,
    AdapterTargets.QUERY_VALUE_OUTPUT_MLP,
)
_KEY_TARGETS = (
    AdapterTargets.ALL_LINEAR,
    AdapterTargets.ATTENTION,
    AdapterTargets.QUERY_KEY_VALUE,
    AdapterTargets.QUERY_KEY_VALUE_MLP,
)
_OUTPUT_TARGETS = (AdapterTargets.ALL_LINEAR, AdapterTargets.ATTENTION, AdapterTargets.QUERY_VALUE_OUTPUT_MLP)


class Kept(Struct, frozen=True, kw_only=True):
    """Bytes that a token keeps: `split` is divided among tensor ranks, `whole` only along the sequence."""

    split: float
    whole: float

    @property
    def total(self) -> float:
        """Both, on one device."""
        return self.split + self.whole


class _Inputs(Struct, frozen=True, kw_only=True):
    """Bytes that products keep of each element of their input: of q, k and v, of the output, entry and exit of
    the MLP. Zero where frozen products need none."""

    attention: float
    output: float
    entry: float
    exit: float


def kept_bytes_per_token(shape: ModelShape, recipe: Recipe, software: Software, sequence_tokens: int) -> Kept:
    """Bytes that one token leaves in an average block until its backward pass, before any sharding."""
    each = [(run.count, _kept(run, shape, recipe, software, sequence_tokens)) for run in shape.blocks]
    return Kept(
        split=sum(count * kept.split for count, kept in each) / shape.layers,
        whole=sum(count * kept.whole for count, kept in each) / shape.layers,
    )


def live_bytes_per_token(shape: ModelShape, recipe: Recipe, software: Software, sequence_tokens: int) -> Kept:
    """Bytes that one token needs while its heaviest block is computed again."""
    each = [_all_kept(run, shape, recipe, software, sequence_tokens) for run in shape.blocks]
    return max(each, key=lambda kept: kept.total)


def _kept(run: Blocks, shape: ModelShape, recipe: Recipe, software: Software, sequence_tokens: int) -> Kept:
    hidden, element = shape.hidden, recipe.activation_bytes
    if recipe.recompute is Recompute.FULL:
        if run.evoformer:
            return Kept(split=0.0, whole=run.evoformer.input_elements(sequence_tokens) * element)
        return Kept(split=0.0, whole=hidden * element)
    kept = _all_kept(run, shape, recipe, software, sequence_tokens)
    if run.evoformer:
        # No software recomputes part of such a block: whatever is not full recompute keeps all of it.
        return kept
    if recipe.recompute is Recompute.SELECTIVE:
        half = _half_kept(run, hidden, element)
        # Adapters leave less than what per-op recompute would keep.
        return half if half.total < kept.total else kept
    if recipe.recompute is Recompute.ATTENTION:
        scores = _score_bytes(run, recipe, software, sequence_tokens)
        return Kept(split=kept.split - scores, whole=kept.whole)
    return kept


def _all_kept(run: Blocks, shape: ModelShape, recipe: Recipe, software: Software, sequence_tokens: int) -> Kept:
    """Every tensor that the operations of a block keep for one token."""
    hidden, operations, mlp, element = shape.hidden, software.operations, run.mlp, recipe.activation_bytes
    if run.evoformer:
        return Kept(split=0.0, whole=run.evoformer.kept_elements(sequence_tokens) * element)
    kept = _input_bytes(run, recipe, software)
    norm = (operations.layer_norm_bytes if shape.norm_bias else operations.norm_bytes) * element / 2
    # Attentions and MLP each begin with a norm's output; parallel blocks share it, and some have no MLP.
    attentions, mlps = 2 if run.cross else 1, 1 if mlp.ffn else 0
    whole = hidden * (max(run.norms, attentions + mlps) * norm + attentions * kept.attention + mlps * kept.entry)
    split = sum(
        _attention_kept(attention, software) * element + LOGSUMEXP_BYTES * attention.heads
        for attention in (run.attention, run.cross)
        if attention and attention.heads
    )
    # The output projection's input is the attention's answer, which is kept anyway unless a copy is made.
    answers = run.attention.value_width + (run.cross.value_width if run.cross else 0)
    narrow = recipe.adapter is None and kept.output < element
    copied = kept.output if narrow else max(kept.output - element, 0.0)
    split += copied * (answers + (run.recurrence.width if run.recurrence else 0))
    split += (run.recurrence.kept * element if run.recurrence else 0.0) + _score_bytes(
        run, recipe, software, sequence_tokens
    )
    split += _inner_bytes(run, software, element, kept) * mlp.active_ffn
    split += _adapter_bytes(run, hidden, recipe, software)
    return Kept(split=split, whole=whole)


def _inner_bytes(run: Blocks, software: Software, element_bytes: float, kept: _Inputs) -> float:
    """Bytes of an element of the inner width: a gated activation's rows beside its product, and the product."""
    return (software.operations.gated_rows if run.mlp.gated else 1) * element_bytes + kept.exit


def expert_row_bytes(shape: ModelShape, recipe: Recipe, software: Software) -> RowBytes:
    """What an expert keeps of each row that it is sent."""
    each = [(run, _input_bytes(run, recipe, software)) for run in shape.blocks]
    return RowBytes(
        entry=max(kept.entry for _, kept in each),
        inner=max(_inner_bytes(run, software, recipe.activation_bytes, kept) for run, kept in each),
    )


def _input_bytes(run: Blocks, recipe: Recipe, software: Software) -> _Inputs:
    """What products keep of their inputs: all of it where they are trained, a copy where an adapter or packed
    weights need it, nothing where they are frozen."""
    adapter, adapting = recipe.adapter, software.adapting
    if adapter is None:
        narrow = software.products_in(recipe.compute_dtype).input_bytes
        element = recipe.activation_bytes if narrow is None else narrow
        return _Inputs(attention=element, output=element, entry=element, exit=element)
    packed = adapting.packed_input_bytes if recipe.keeps_packed_inputs else 0.0
    dropped = adapting.dropped_bytes if adapter.kind in _ON_INPUTS else 0.0
    if adapter.kind is AdapterKind.GROUP_SCALE:
        # A scale's gradient is that of its weights, added up: it needs their input, of which there is one.
        dropped, packed = recipe.activation_bytes, 0.0
    in_mlp = dropped * (adapter.targets in _MLP_TARGETS)
    attends = adapter.targets is not AdapterTargets.MLP
    # Products of a recurrence are adapted by all-linear alone (planner.adapters).
    return _Inputs(
        attention=packed + dropped * (attends if run.attention.heads else adapter.targets is AdapterTargets.ALL_LINEAR),
        output=packed + dropped * (adapter.targets in _OUTPUT_TARGETS),
        entry=packed + in_mlp * _entries(dropped),
        exit=packed + in_mlp,
    )


def _entries(dropped_bytes: float) -> int:
    """Copies of the MLP's input: adapters of gate and up drop out their own, or share it where nothing drops."""
    return 2 if dropped_bytes > 2 else 1


def _adapter_bytes(run: Blocks, hidden: int, recipe: Recipe, software: Software) -> float:
    """Bytes of what an adapter keeps of a token beside inputs: results that it scales, its own inner rows."""
    adapter, element = recipe.adapter, recipe.activation_bytes
    if adapter is None:
        return 0.0
    mlp, attentions = run.mlp, [each for each in (run.attention, run.cross) if each and each.heads]
    if adapter.kind is AdapterKind.BOTTLENECK:
        return 2 * (hidden + 2 * adapter.rank) * element
    if adapter.kind is AdapterKind.SCALE:
        # Inner rows are scaled in the factors' own type (PEFT, tuners/ia3/layer.py).
        scaled = sum(2 * each.kv_width for each in attentions)
        return scaled * element + mlp.active_ffn * software.adapting.weight_bytes
    if adapter.kind is AdapterKind.DORA:
        outputs = ((mlp.matrices - 1) * mlp.active_ffn + hidden) * (adapter.targets in _MLP_TARGETS)
        for each in attentions:
            outputs += (each.query_width + each.kv_width) * (adapter.targets is not AdapterTargets.MLP)
            outputs += each.kv_width * (adapter.targets in _KEY_TARGETS)
            outputs += hidden * (adapter.targets in _OUTPUT_TARGETS)
        return _DORA_ROWS * outputs * element
    return 0.0


def _score_bytes(run: Blocks, recipe: Recipe, software: Software, sequence_tokens: int) -> float:
    """Bytes of attention scores, which only unfused attention keeps."""
    width = run.attention.heads * sequence_tokens + (run.cross.heads * sequence_tokens if run.cross else 0)
    share = 1.0 if software.operations.keeps_scores else recipe.score_share
    return share * software.operations.score_bytes * width


def _attention_kept(attention: Attention, software: Software) -> float:
    """Elements of queries, keys and values as the kernel sees them, of its output, and of the latents."""
    if latent := attention.latent:
        # Values have a width of their own, and both latents pass a norm, which keeps its input and output.
        ranks = 2 * (latent.query_rank + latent.kv_rank)
        return attention.query_width + attention.kv_width + 2 * attention.value_width + ranks
    operations = software.operations
    grouped = attention.kv_heads < attention.heads
    keys = attention.query_width if grouped and operations.expands_kv else attention.kv_width
    packed = 2 * attention.kv_width if operations.packs_qkv and not grouped else 0
    return attention.query_width + 2 * keys + packed + attention.value_width


def _half_kept(run: Blocks, hidden: int, element_bytes: float) -> Kept:
    """Per-op selective recompute: attention's answer and every second product (torchtitan's save list)."""
    mlp, attentions = run.mlp, [each for each in (run.attention, run.cross) if each]
    products = sum(each.query_width + 2 * each.kv_width + hidden for each in attentions) + hidden
    products += (mlp.matrices - 1) * mlp.active_ffn
    answers = sum(each.value_width for each in attentions)
    split = answers + products / 2 + (run.recurrence.kept / 2 if run.recurrence else 0.0)
    heads = sum(each.heads for each in attentions)
    return Kept(split=split * element_bytes + LOGSUMEXP_BYTES * heads, whole=hidden * element_bytes)
