"""Do the kept activations add up operation by operation?

The sums here are made another way: each operation names the tensors that autograd keeps for it, and a tensor
named twice is kept once.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from planner.activations import kept_bytes_per_token, live_bytes_per_token
from planner.models import load_preset
from planner.recipe import Adapter, AdapterKind, AdapterTargets, Recipe, Recompute
from planner.recurrence import mamba
from planner.shape import NO_ATTENTION, NO_MLP, Attention, Blocks, Mlp, ModelShape
from planner.software import Operations, Software, load_software
from pricing.records import replace
from tests.planner.builders import DENSE, LATENT_MIXED, MIXED

Saved = dict[str, list[str]]
Widths = dict[str, int]
FUSED = load_software()["megatron-core"]


def kept_bytes(
    shape: ModelShape, recompute: Recompute = Recompute.NONE, element_bytes: float = 2, software: Software = FUSED
) -> float:
    """Bytes that a token of a model trained in full leaves in an average block."""
    recipe = Recipe(activation_bytes=element_bytes, recompute=recompute)
    return kept_bytes_per_token(shape, recipe, software, 1024).total


def attention_tensors(attention: Attention, hidden: int) -> tuple[Saved, Widths]:
    """Operations from the block's input to the attention's output projection, and the widths of what they keep."""
    heads, width = attention.heads, attention.head_width
    saved = {"first norm": ["input"], "attention": ["queries", "keys", "values", "answer"], "output": ["answer"]}
    widths = {"input": hidden, "normed": hidden, "queries": heads * width, "answer": heads * width}
    if attention.latent is None:
        saved |= {"projections": ["normed"]}
        widths |= {"keys": attention.kv_heads * width, "values": attention.kv_heads * width}
        return saved, widths
    latent = attention.latent
    saved |= {
        "down": ["normed"],
        "latent norms": ["query latent", "latent"],
        "up": ["query latent normed", "latent normed"],
    }
    widths |= {"query latent": latent.query_rank, "query latent normed": latent.query_rank}
    widths |= {"latent": latent.kv_rank, "latent normed": latent.kv_rank}
    widths |= {"keys": heads * (latent.nope_width + latent.rope_width)}
    widths |= {"values": heads * latent.value_width, "answer": heads * latent.value_width}
    return saved, widths


def mlp_tensors(run: Blocks, hidden: int) -> tuple[Saved, Widths]:
    """Operations from the second norm to the block's output, and the widths of what they keep."""
    mlp = run.mlp
    saved = {"second norm": ["between"], "entry": ["normed again"]}
    widths = {"between": hidden, "normed again": hidden}
    parts = [("dense", mlp.ffn)] if not mlp.experts else [("shared", mlp.shared_ffn)]
    for number in range(mlp.experts_per_token if mlp.experts else 0):
        # The token's copies and the experts' answers are routing's (planner.routing).
        parts.append((f"expert {number}", mlp.ffn))
    for name, width in parts:
        inner = ["gate", "up", "product"] if mlp.gated else ["up", "product"]
        saved[f"{name} activation"] = [f"{name} {each}" for each in inner[:-1]]
        saved[f"{name} down"] = [f"{name} product"]
        widths |= {f"{name} {each}": width for each in inner}
    return saved, widths


def kept_one_by_one(run: Blocks, hidden: int, element_bytes: int) -> int:
    """Bytes of all distinct tensors that the operations of a block keep for one token."""
    first, first_widths = attention_tensors(run.attention, hidden)
    second, second_widths = mlp_tensors(run, hidden)
    widths = first_widths | second_widths
    distinct = {name for names in (first | second).values() for name in names}
    return element_bytes * sum(widths[name] for name in distinct) + 4 * run.attention.heads


@pytest.mark.parametrize(
    "model", ["llama-3-8b", "llama-2-7b", "qwen3-30b-a3b", "mixtral-8x7b", "deepseek-v3", "gpt3-175b", "opt-13b"]
)
@pytest.mark.parametrize("element_bytes", [2, 4])
def test_everything_kept_is_what_the_operations_keep(model: str, element_bytes: int) -> None:
    """Kept bytes of a token are those of all distinct tensors that its operations keep, averaged over blocks."""
    shape = load_preset(model)
    total = sum(run.count * kept_one_by_one(run, shape.hidden, element_bytes) for run in shape.blocks)
    assert kept_bytes(shape, Recompute.NONE, element_bytes) == pytest.approx(total / shape.layers)


def test_a_plain_block_keeps_what_korthikanti_counts() -> None:
    """GPT-3 keeps 34 h bytes but for the two dropout masks, and a log-sum-exp for each head."""
    shape = load_preset("gpt3-175b")
    kept = kept_bytes(shape)
    assert kept == (34 - 2) * shape.hidden + 4 * 96


def test_a_gated_mlp_keeps_23_h_in_llama() -> None:
    """Llama 3's MLP keeps its input and three inner rows of 3.5 h, 23 h bytes."""
    shape = load_preset("llama-3-8b")
    run = shape.blocks[0]
    kept = kept_bytes(shape)
    attention = 2 * (3 * 4096 + 4096 + 2 * 1024 + 4096) + 4 * run.attention.heads
    assert kept - attention == pytest.approx(23 * 4096)


def test_selective_keeps_about_15_h_in_llama() -> None:
    """Keeping every second product and all of attention leaves about 15 h bytes a token and block."""
    shape = load_preset("llama-3-8b")
    assert 14 < kept_bytes(shape, Recompute.SELECTIVE) / shape.hidden < 15.5


@pytest.mark.parametrize("shape", [DENSE, MIXED, LATENT_MIXED], ids=lambda shape: shape.name)
def test_recomputing_more_keeps_less(shape: ModelShape) -> None:
    """Full recompute keeps the block's input alone, selective less than everything but more than that."""
    kept = [kept_bytes(shape, each) for each in (Recompute.FULL, Recompute.SELECTIVE, Recompute.NONE)]
    assert kept[0] == 2 * shape.hidden
    assert all(less < more for less, more in pairwise(kept))


def test_the_heaviest_block_is_live() -> None:
    """While a block is computed again all of it is there, and the heaviest block counts."""
    each = [kept_one_by_one(run, LATENT_MIXED.hidden, 2) for run in LATENT_MIXED.blocks]
    assert each[0] != each[1]
    assert live_bytes_per_token(LATENT_MIXED, Recipe(), FUSED, 1024).total == max(each)


def test_more_experts_alone_keep_nothing() -> None:
    """What a token leaves depends on the experts it is sent to, not on how many there are."""
    run = MIXED.blocks[0]

    def kept(experts: int, experts_per_token: int) -> float:
        mlp = replace(run.mlp, experts=experts, experts_per_token=experts_per_token)
        return kept_bytes(replace(MIXED, blocks=(replace(run, mlp=mlp),)))

    assert kept(64, 2) == kept(16, 2)
    # A further expert keeps three inner rows; the copy it is sent is routing's.
    assert kept(16, 3) - kept(16, 2) == 2 * 3 * 256


# One block, 8 wide, 2 query heads of 4 on 1 key head, inner width 16: every row below is a sum on paper.
TINY = ModelShape(
    name="tiny",
    hidden=8,
    vocab=32,
    blocks=(Blocks(count=1, attention=Attention(heads=2, kv_heads=1, head_width=4), mlp=Mlp(ffn=16)),),
    context_tokens=64,
)
LORA = Adapter(rank=2, targets=AdapterTargets.QUERY_VALUE)
EAGER = Software(
    name="eager",
    title="",
    framework="",
    source="",
    operations=Operations(norm_bytes=6, gated_rows=3, expands_kv=True, score_bytes=8),
)
LSE = 4 * 2


@pytest.mark.parametrize(
    ("software", "recipe", "bytes_per_token"),
    [
        # Fused: two norm inputs and outputs (4 x 8), q, k, v and the answer (8 + 4 + 4 + 8), gate, up and product.
        (FUSED, Recipe(), 2 * (4 * 8 + 24 + 3 * 16) + LSE),
        # Eager: norms keep 6 bytes an element, keys and values are copied to both heads, silu's output is kept too.
        (EAGER, Recipe(), 2 * 8 * 6 + 2 * (2 * 8 + 4 * 8 + 4 * 16) + LSE),
        # Scores of 1,024 tokens, 8 bytes for each head.
        (EAGER, Recipe(score_share=1.0), 2 * 8 * 6 + 2 * (2 * 8 + 4 * 8 + 4 * 16) + LSE + 8 * 2 * 1024),
        # Frozen products keep no input; the adapters of q and v keep theirs.
        (EAGER, Recipe(adapter=LORA), 2 * 8 * 6 + 2 * 8 + 2 * (4 * 8 + 3 * 16) + LSE),
        # Packed ones keep all of theirs: of q, k and v, of the output beyond the answer itself, entry and exit.
        (
            EAGER,
            Recipe(adapter=LORA, keeps_packed_inputs=True),
            2 * 8 * 6 + 2 * 8 + 2 * (4 * 8 + 3 * 16) + LSE + 2 * (8 + 8 + 16),
        ),
    ],
)
def test_a_tiny_block_adds_up_on_paper(software: Software, recipe: Recipe, bytes_per_token: float) -> None:
    """Norms, attention and MLP of a block 8 wide keep what their operations keep, by software and by recipe."""
    assert kept_bytes_per_token(TINY, recipe, software, 1024).total == bytes_per_token


# The tiny block with attention to a source, and a Mamba block in its place.
CROSSED = replace(
    TINY,
    blocks=(replace(TINY.blocks[0], norms=3, cross=Attention(heads=2, kv_heads=2, head_width=4, causal=False)),),
)
STATE = replace(
    TINY, blocks=(Blocks(count=1, attention=NO_ATTENTION, mlp=NO_MLP, norms=1, recurrence=mamba(8, 16, 4, 4, 2)),)
)


def test_cross_attention_keeps_a_norm_an_input_and_its_own_tensors() -> None:
    """A third norm's input and output, queries, keys and values of the source, and the answer with its log-sum-exp."""
    plain, crossed = (kept_bytes_per_token(shape, Recipe(), FUSED, 1024).total for shape in (TINY, CROSSED))
    assert crossed - plain == 2 * (8 + 8) + 2 * 4 * 8 + LSE


@pytest.mark.parametrize(
    ("shape", "targets", "inputs"),
    [
        # Inputs of queries, keys and values of both attentions; of both outputs beyond the answers themselves.
        (CROSSED, AdapterTargets.QUERY_VALUE, 3 * (8 + 8)),
        (CROSSED, AdapterTargets.ATTENTION, 3 * (8 + 8) + (3 - 2) * (8 + 8)),
        # The way in, and out beyond the output that the scan keeps anyway; attention's names mean nothing here.
        (STATE, AdapterTargets.QUERY_VALUE, 0),
        (STATE, AdapterTargets.ALL_LINEAR, 3 * 8 + (3 - 2) * 16),
    ],
)
def test_adapters_keep_the_inputs_that_they_drop_out(shape: ModelShape, targets: AdapterTargets, inputs: int) -> None:
    """A frozen block keeps no inputs; adapters on cross-attention and on a recurrence keep theirs, mask and all."""
    software = replace(EAGER, adapting=replace(EAGER.adapting, dropped_bytes=3))
    without = Adapter(kind=AdapterKind.BIAS)
    kept = [
        kept_bytes_per_token(shape, Recipe(adapter=adapter), software, 1024).total
        for adapter in (Adapter(rank=2, targets=targets), without)
    ]
    in_mlp = 3 * (2 * 8 + 16) * (targets is AdapterTargets.ALL_LINEAR)
    assert kept[0] - kept[1] == inputs + in_mlp * (shape is CROSSED)


def test_recomputing_attention_alone_drops_the_scores_alone() -> None:
    """Selective recompute of attention saves what unfused attention keeps, and nothing under flash attention."""
    unfused, flash = Recipe(score_share=1.0), Recipe()
    for recipe, saved in ((unfused, 8 * 2 * 1024), (flash, 0)):
        again = replace(recipe, recompute=Recompute.ATTENTION)
        kept = [kept_bytes_per_token(TINY, each, EAGER, 1024).total for each in (recipe, again)]
        assert kept[0] - kept[1] == saved


def test_only_norms_and_residuals_stay_whole_among_tensor_ranks() -> None:
    """What tensor ranks cannot split is as wide as the model; heads and inner rows are split."""
    kept = kept_bytes_per_token(TINY, Recipe(), FUSED, 1024)
    assert (kept.whole, kept.split) == (2 * 4 * 8, 2 * (24 + 3 * 16) + LSE)


@pytest.mark.parametrize(
    ("adapter", "bytes_per_token"),
    [
        # Queries and keys in front of the base's own output and the adapter's, 16 bits each.
        (Adapter(kind=AdapterKind.DORA, targets=AdapterTargets.QUERY_VALUE), 2 * 2 * (512 + 128) + 2 * 512),
        # Gate, up and down, and the input of both ends.
        (Adapter(kind=AdapterKind.DORA, targets=AdapterTargets.MLP), 2 * 2 * (2 * 1536 + 512) + 2 * (512 + 1536)),
        # The input and the inner row of both bottlenecks, before and after its activation.
        (Adapter(kind=AdapterKind.BOTTLENECK, rank=16), 2 * 2 * (512 + 2 * 16)),
        # Keys and values before they are scaled, inner rows in the factors' float32.
        (Adapter(kind=AdapterKind.SCALE), 2 * 2 * 128 + 4 * 1536),
        # Scales of weights need the inputs of all products, as weights would.
        (Adapter(kind=AdapterKind.GROUP_SCALE), 2 * (512 + 512 + 1536)),
        (Adapter(kind=AdapterKind.BIAS), 0),
        (Adapter(kind=AdapterKind.PROMPT), 0),
        (Adapter(kind=AdapterKind.PREFIX), 0),
    ],
)
def test_adapters_keep_what_their_gradients_need(adapter: Adapter, bytes_per_token: float) -> None:
    """Beside what a frozen block keeps, each kind of adapter keeps what its own gradient is made of, and no more."""
    bare = kept_bytes_per_token(DENSE, Recipe(adapter=Adapter(kind=AdapterKind.BIAS)), FUSED, 1024)
    found = kept_bytes_per_token(DENSE, Recipe(adapter=adapter), FUSED, 1024)
    assert found.total - bare.total == bytes_per_token


@pytest.mark.parametrize(("computed", "element"), [("fp8", 1.0), ("mxfp8", 1.03125), ("nvfp4", 2.0)])
def test_narrow_products_keep_narrow_inputs(computed: str, element: float) -> None:
    """Transformer Engine keeps 8 bits of what enters a product, and of the answer both; torchao all 16 bits."""
    wide, narrow = (kept_bytes_per_token(DENSE, Recipe(compute_dtype=dtype), FUSED, 64) for dtype in ("bf16", computed))
    inputs = 2 * 512 + 1536
    answer = 0 if element == 2 else element * 512
    assert wide.total - narrow.total == pytest.approx((2 - element) * inputs - answer)
    eager = load_software()["torchtitan"]
    kept = {kept_bytes_per_token(DENSE, Recipe(compute_dtype=dtype), eager, 64).total for dtype in ("bf16", computed)}
    assert len(kept) == 1


@pytest.mark.parametrize("partial", [Recompute.SELECTIVE, Recompute.ATTENTION])
def test_folding_blocks_are_recomputed_whole_or_not_at_all(partial: Recompute) -> None:
    """Partial recompute never says that pair and MSA representations vanish."""
    shape, software = load_preset("alphafold2"), load_software()["torchtitan"]
    none, part, full = (
        kept_bytes_per_token(shape, Recipe(recompute=each), software, 384).whole
        for each in (Recompute.NONE, partial, Recompute.FULL)
    )
    assert part == none > full > 0
