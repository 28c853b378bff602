"""What does a block carry along the sequence in place of keys and values?

State-space layers and linear attention read a token once and keep a state of fixed size. Each kind has another
make, but memory and time ask all of them the same few numbers. Parameters were compared with those of models
that Transformers 4.57 builds; FLOP count a multiply and an add as two.
"""

from __future__ import annotations

from msgspec import Struct

# Lightning attention and the gated delta rule work on chunks of so many tokens (MiniMax's block_size 256; flash
# linear attention's kernels take 64).
LIGHTNING_CHUNK = 256
DELTA_CHUNK = 64


class Recurrence(Struct, frozen=True, kw_only=True):
    """A layer with a state of fixed size.

    `products` are the inputs and outputs of the matrices that multiply each token, `others` counts convolutions,
    norms, decays and biases. `kept` is the elements that one token leaves for the backward pass beside the block's
    norms, `scan_flop` its forward FLOP beside the products, `state` the elements that a sequence keeps while it is
    served, however long it is. `width` is that of the inner rows, and into `heads` parts tensor parallelism can cut
    them at most.
    """

    kind: str
    width: int
    heads: int
    products: tuple[tuple[int, int], ...]
    others: int
    kept: int
    scan_flop: int
    state: int

    @property
    def matrices(self) -> int:
        """Weights of the products."""
        return sum(inputs * outputs for inputs, outputs in self.products)

    @property
    def parameters(self) -> int:
        """Weights of all kinds."""
        return self.matrices + self.others


def mamba(
    hidden: int,
    width: int,
    state: int,
    convolution: int,
    rank: int,
    *,
    bias: bool = False,
    convolution_bias: bool = True,
    inner_norms: bool = False,
) -> Recurrence:
    """Mamba (Gu and Dao 2023, arXiv 2312.00752, section 3.4); `inner_norms` are Jamba's on step, B and C.

    The scan takes 9 FLOP per channel and state (VMamba's count of the kernel, which agrees with the paper's
    recurrence). Kept are what the fused kernel saves: both halves of the input projection, the output, and
    the step, B and C as projected.
    """
    projected = rank + 2 * state
    others = width * convolution + width * convolution_bias + width + width * state + width
    others += (2 * width + hidden) * bias + projected * inner_norms
    return Recurrence(
        kind="mamba",
        width=width,
        heads=width,
        products=((hidden, 2 * width), (width, projected), (rank, width), (width, hidden)),
        others=others,
        kept=3 * width + projected + 2 * state,
        scan_flop=9 * width * state + 2 * width * convolution,
        state=width * (state + convolution),
    )


def mamba2(
    hidden: int,
    heads: int,
    head_width: int,
    state: int,
    groups: int,
    convolution: int,
    *,
    bias: bool = False,
    convolution_bias: bool = True,
    norm: bool = True,
) -> Recurrence:
    """Mamba-2 (Dao and Gu 2024, arXiv 2405.21060); `norm` is the gated one before the output projection.

    Megatron-LM counts 7 FLOP per channel and state for the scan (training.py, mamba_layer_flops). Kept are what
    the fused kernel saves: all of the input projection, and the output.
    """
    width = heads * head_width
    convolved = width + 2 * groups * state
    projected = width + convolved + heads
    return Recurrence(
        kind="mamba2",
        width=width,
        heads=heads,
        products=((hidden, projected), (width, hidden)),
        others=convolved * (convolution + convolution_bias) + 3 * heads + width * norm + (projected + hidden) * bias,
        kept=projected + width,
        scan_flop=7 * width * state + 2 * convolved * convolution,
        state=width * state + convolved * convolution,
    )


def lightning(hidden: int, heads: int, head_width: int) -> Recurrence:
    """Lightning attention as in MiniMax-01 (arXiv 2501.08313, section 2.2), with its norm and output gate.

    Within a chunk a token meets half of it, of earlier ones it reads the state, and adds itself to that. Kept
    are queries, keys, values, the output, its norm and the gate.
    """
    width = heads * head_width
    return Recurrence(
        kind="lightning",
        width=width,
        heads=heads,
        products=((hidden, 3 * width), (hidden, width), (width, hidden)),
        others=width,
        kept=6 * width,
        scan_flop=2 * LIGHTNING_CHUNK * width + 4 * width * head_width,
        state=width * head_width,
    )


def delta_rule(
    hidden: int, key_heads: int, key_width: int, value_heads: int, value_width: int, convolution: int
) -> Recurrence:
    """Gated delta rule (Yang et al. 2024, arXiv 2412.06464), as Qwen3-Next builds it.

    In a chunk each token meets the others twice, by keys and by values, and the state three times: to correct
    what it holds, to add to it, to read it. Kept are queries, keys, values before and after their convolution,
    the gate, the output and its norm.
    """
    keys, values = key_heads * key_width, value_heads * value_width
    convolved = 2 * keys + values
    return Recurrence(
        kind="delta rule",
        width=values,
        heads=key_heads,
        products=((hidden, 2 * keys + 2 * values), (hidden, 2 * value_heads), (values, hidden)),
        others=convolved * convolution + 2 * value_heads + value_width,
        kept=2 * convolved + 3 * values + 2 * value_heads,
        scan_flop=2 * DELTA_CHUNK * value_heads * (2 * key_width + value_width)
        + 6 * values * key_width
        + 2 * convolved * convolution,
        state=values * key_width + convolved * convolution,
    )


def rwkv(hidden: int, width: int) -> Recurrence:
    """RWKV-4's time mixing (Peng et al. 2023, arXiv 2305.13048), with its channel mixing's receptance.

    The weighted sums are updated with a handful of operations per channel; the state is five vectors.
    """
    return Recurrence(
        kind="rwkv",
        width=width,
        heads=width,
        products=((hidden, width),) * 3 + ((width, hidden), (hidden, hidden)),
        others=2 * width + 5 * hidden,
        kept=5 * width + 3 * hidden + 3 * hidden,
        scan_flop=12 * width,
        state=3 * width + 2 * hidden,
    )


def short_convolution(hidden: int, convolution: int, *, bias: bool = False) -> Recurrence:
    """LFM2's gated short convolution: three projections, two of them gates."""
    return Recurrence(
        kind="short convolution",
        width=hidden,
        heads=hidden,
        products=((hidden, 3 * hidden), (hidden, hidden)),
        others=hidden * convolution + 5 * hidden * bias,
        kept=5 * hidden,
        scan_flop=2 * hidden * convolution + 2 * hidden,
        state=hidden * convolution,
    )
