"""What is the model made of, and how many parameters has it?

A model is an embedding, runs of equal blocks, a final norm and a head; an encoder-decoder has two stacks of
blocks. Counts are parameters; lengths are tokens. The totals are checked against the published totals in
tests/planner/test_models.py.
"""

from __future__ import annotations

from msgspec import Struct

from planner.evoformer import Evoformer
from planner.recurrence import Recurrence
from planner.structure import StructureModule


class LatentAttention(Struct, frozen=True, kw_only=True):
    """Multi-head latent attention's ranks and widths (DeepSeek-V2, arXiv 2405.04434, section 2.1).

    `query_rank` is 0 where queries are projected directly. Widths are per head.
    """

    query_rank: int
    kv_rank: int
    nope_width: int
    rope_width: int
    value_width: int


class Attention(Struct, frozen=True, kw_only=True):
    """One block's attention. `window` is the sliding window in tokens, 0 for full attention.

    `chunked` says that the window does not slide: a query meets the keys of its own stretch alone (Llama 4).
    Without `causal` it meets those behind it too (encoders) and keeps no cache. `gated` counts a gate on the
    heads' outputs, as wide as the queries (Qwen3-Next).

    `kv_heads` equals `heads` for multi-head, 1 for multi-query attention. With `latent` set, `head_width`
    is the query and key width (nope + rope). `qk_norm_shared` says that one norm of a head's width serves all
    heads (Qwen3); else queries and keys have a weight for each of their elements (OLMo 2, Command R+).
    `sinks` counts a learned logit per head that takes up idle attention (gpt-oss).
    """

    heads: int
    kv_heads: int
    head_width: int
    window: int = 0
    chunked: bool = False
    causal: bool = True
    gated: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    qk_norm: bool = False
    qk_norm_shared: bool = True
    sinks: bool = False
    latent: LatentAttention | None = None

    @property
    def query_width(self) -> int:
        """Width of all queries of a token."""
        return self.heads * self.head_width

    @property
    def kv_width(self) -> int:
        """Width of all keys of a token, before any compression; values are as wide but for MLA."""
        return self.kv_heads * self.head_width

    @property
    def value_width(self) -> int:
        """Width of all heads' outputs of a token."""
        return self.heads * (self.latent.value_width if self.latent else self.head_width)

    @property
    def cache_width(self) -> int:
        """Elements of KV cache that one token keeps on this block: K and V, or MLA's latent and rope key."""
        if not self.causal:
            return 0
        if self.latent:
            return self.latent.kv_rank + self.latent.rope_width
        return 2 * self.kv_width

    def parameters(self, hidden: int) -> int:
        """Parameters of the projections, their biases, the query and key norms and the sinks."""
        if self.latent:
            return self._latent_parameters(hidden, self.latent)
        weights = hidden * self.query_width * (3 if self.gated else 2) + hidden * self.kv_width * 2
        biases = (self.query_width + 2 * self.kv_width) * self.qkv_bias + hidden * self.output_bias
        normed = 2 * self.head_width if self.qk_norm_shared else self.query_width + self.kv_width
        return weights + biases + normed * self.qk_norm + self.heads * self.sinks

    def _latent_parameters(self, hidden: int, latent: LatentAttention) -> int:
        query = hidden * self.query_width
        if latent.query_rank:
            query = hidden * latent.query_rank + latent.query_rank * (1 + self.query_width)
        compressed = hidden * (latent.kv_rank + latent.rope_width) + latent.kv_rank
        expanded = latent.kv_rank * self.heads * (latent.nope_width + latent.value_width)
        return query + compressed + expanded + self.value_width * hidden


class Mlp(Struct, frozen=True, kw_only=True):
    """One block's MLP, dense (`experts` 0) or a mixture of experts.

    `ffn` is the inner width of the dense MLP or of one routed expert; `shared_ffn` that of all shared experts
    together. A gated MLP has three matrices, a plain one two; with `bias` each has one, in every expert too.
    `router_bias` counts a bias per expert.
    """

    ffn: int
    gated: bool = True
    bias: bool = False
    experts: int = 0
    experts_per_token: int = 0
    shared_ffn: int = 0
    shared_gate: bool = False
    router_bias: bool = False

    @property
    def matrices(self) -> int:
        """Weight matrices of one expert."""
        return 3 if self.gated else 2

    def expert_parameters(self, hidden: int) -> int:
        """Parameters of all routed experts of the block; 0 where dense."""
        return self.experts * self._parameters(hidden, self.ffn)

    def other_parameters(self, hidden: int) -> int:
        """Parameters beside the routed experts: the dense MLP, or the router and the shared experts."""
        if self.experts:
            router = hidden * self.experts + self.experts * self.router_bias
            shared = self._parameters(hidden, self.shared_ffn) if self.shared_ffn else 0
            return router + shared + hidden * self.shared_gate
        return self._parameters(hidden, self.ffn)

    def _parameters(self, hidden: int, width: int) -> int:
        biases = width * (self.matrices - 1) + hidden
        return self.matrices * hidden * width + biases * self.bias

    @property
    def active_ffn(self) -> int:
        """Inner width that a token passes: of its routed experts and the shared ones, or of the dense MLP."""
        return self.experts_per_token * self.ffn + self.shared_ffn if self.experts else self.ffn


# What stands for attention in a block that has none: everything about it counts nothing.
NO_ATTENTION = Attention(heads=0, kv_heads=1, head_width=0)
NO_MLP = Mlp(ffn=0)


class Blocks(Struct, frozen=True, kw_only=True):
    """A run of `count` equal blocks. `norms` is the number of norm vectors a block has.

    `recurrence` stands in place of attention (Mamba; `attention` is then NO_ATTENTION) or beside it (Falcon-H1).
    `cross` is attention to what the encoder made of the source, whose keys and values have its length.
    `encoder` says that the run belongs to an encoder-decoder's encoder. An `evoformer` is all its block has.
    """

    count: int
    attention: Attention
    mlp: Mlp
    norms: int = 2
    recurrence: Recurrence | None = None
    cross: Attention | None = None
    encoder: bool = False
    evoformer: Evoformer | None = None

    def parameters(self, hidden: int, norm_bias: bool) -> int:
        """Parameters of one block."""
        return (
            self.attention.parameters(hidden)
            + (self.recurrence.parameters if self.recurrence else 0)
            + (self.cross.parameters(hidden) if self.cross else 0)
            + (self.evoformer.parameters if self.evoformer else 0)
            + self.mlp.other_parameters(hidden)
            + self.mlp.expert_parameters(hidden)
            + self.norms * hidden * (2 if norm_bias else 1)
        )

    @property
    def heads(self) -> int:
        """Parts into which tensor parallelism can cut the block: query heads, those of a recurrence, or MLP rows."""
        each = [attention.heads for attention in (self.attention, self.cross) if attention and attention.heads]
        return min([*each, self.recurrence.heads] if self.recurrence else each, default=max(self.mlp.ffn, 1))

    @property
    def kv_heads(self) -> int:
        """Key and value heads; a block without attention has as many as heads."""
        return self.attention.kv_heads if self.attention.heads else self.heads

    @property
    def cache_width(self) -> int:
        """Elements that one token keeps on this block while it is served: of the target, and of the source."""
        return self.attention.cache_width + (2 * self.cross.kv_width if self.cross else 0)


class ModelShape(Struct, frozen=True, kw_only=True):
    """A transformer, or what is built like one.

    `blocks` stand in the order of the model, but kinds that alternate throughout (Gemma 2's windows) are
    gathered into one run each. `positions` counts learned position embeddings of each stack, 0 for rotary,
    relative or ALiBi, `token_types` rows of token type embeddings. `embedding_width` is below `hidden` only
    where the model projects its embeddings (OPT-350M). `context_tokens` is the longest context that the model
    was made for. Without `head` there is no matrix to the vocabulary after the last block; `head_transform` is a
    dense layer and a norm before it (BERT), `pooler` a dense layer over the first token. `other_parameters`
    stand elsewhere: tables of relative positions, the embedders of folding models. `structure` is what places residues
    after the last block; its weights are among those. `drafting_blocks` predict further tokens (MTP), are released with
    the model, and counted only where they draft. `notes` are sentences on what
    a reader should know of the count.
    """

    name: str
    hidden: int
    vocab: int
    blocks: tuple[Blocks, ...]
    context_tokens: int
    tied_embeddings: bool = False
    positions: int = 0
    token_types: int = 0
    norm_bias: bool = False
    head_bias: bool = False
    final_norm: bool = True
    embedding_norm: bool = False
    embedding_width: int = 0
    head: bool = True
    head_transform: bool = False
    pooler: bool = False
    other_parameters: int = 0
    drafting_blocks: int = 0
    structure: StructureModule | None = None
    notes: tuple[str, ...] = ()

    @property
    def layers(self) -> int:
        """Blocks in all."""
        return sum(run.count for run in self.blocks)

    @property
    def biased(self) -> bool:
        """Whether anything in it has a bias."""
        attentions = [each for run in self.blocks for each in (run.attention, run.cross) if each]
        inside = any(each.qkv_bias or each.output_bias for each in attentions)
        return self.norm_bias or self.head_bias or inside or any(run.mlp.bias for run in self.blocks)

    @property
    def stacks(self) -> int:
        """Two for an encoder-decoder, else one."""
        return 1 + any(run.encoder for run in self.blocks)

    @property
    def embedding_parameters(self) -> int:
        """Parameters before the first block: token, position and type embeddings, and what stands elsewhere."""
        width = self.embedding_width or self.hidden
        projection = self.hidden * width if width != self.hidden else 0
        own = self.positions * self.hidden + self._norm * self.embedding_norm
        tables = self.vocab * width + self.token_types * self.hidden
        return tables + projection + self.stacks * own + self.other_parameters

    @property
    def embedding_matrix(self) -> int:
        """Parameters of the table of token embeddings alone."""
        return self.vocab * (self.embedding_width or self.hidden)

    @property
    def head_matrix(self) -> int:
        """Parameters of the head's matrix and its bias alone, counted even where it is tied."""
        return self.logits_width * ((self.embedding_width or self.hidden) + self.head_bias)

    @property
    def head_parameters(self) -> int:
        """Parameters after the last block, the head's matrix counted even where it is tied."""
        width = self.embedding_width or self.hidden
        projection = self.hidden * width * self.head if width != self.hidden else 0
        transform = (self.hidden**2 + self.hidden * self.norm_bias + self._norm) * self.head_transform
        pooler = (self.hidden + 1) * self.hidden * self.pooler
        norms = self.stacks * self._norm * self.final_norm
        return self.logits_width * (width + self.head_bias) + projection + transform + pooler + norms

    @property
    def _norm(self) -> int:
        return self.hidden * (2 if self.norm_bias else 1)

    @property
    def logits_width(self) -> int:
        """Logits of a token: the vocabulary, or none without a head."""
        return self.vocab * self.head

    @property
    def block_parameters(self) -> int:
        """Parameters of all blocks."""
        return sum(run.count * run.parameters(self.hidden, self.norm_bias) for run in self.blocks)

    @property
    def expert_parameters(self) -> int:
        """Parameters of all routed experts."""
        return sum(run.count * run.mlp.expert_parameters(self.hidden) for run in self.blocks)

    @property
    def parameters(self) -> int:
        """All parameters, tied ones counted once."""
        tied = self.logits_width * (self.embedding_width or self.hidden) * self.tied_embeddings
        return self.embedding_parameters + self.block_parameters + self.head_parameters - tied

    @property
    def active_parameters(self) -> int:
        """Parameters that one token passes through: idle experts left out."""
        idle = sum(
            run.count
            * (run.mlp.experts - run.mlp.experts_per_token)
            * (run.mlp.expert_parameters(self.hidden) // run.mlp.experts)
            for run in self.blocks
            if run.mlp.experts
        )
        return self.parameters - idle

    @property
    def heads(self) -> int:
        """Query heads of a block; the smallest where blocks differ."""
        return min(run.heads for run in self.blocks)

    @property
    def kv_heads(self) -> int:
        """Key and value heads of a block; the smallest where blocks differ."""
        return min(run.kv_heads for run in self.blocks)

    @property
    def experts(self) -> int:
        """Routed experts of a MoE block; 0 for a dense model."""
        return max(run.mlp.experts for run in self.blocks)

    @property
    def cache_width_per_token(self) -> int:
        """Elements of KV cache that one token keeps over all blocks with full attention at short contexts."""
        return sum(run.count * run.cache_width for run in self.blocks)

    @property
    def generates(self) -> bool:
        """Whether it makes tokens one by one, each from those before it."""
        return any(run.recurrence or (run.attention.heads and run.attention.causal) for run in self.blocks)

    @property
    def state_per_sequence(self) -> int:
        """Elements that a sequence keeps over all recurrences, however long it is."""
        return sum(run.count * run.recurrence.state for run in self.blocks if run.recurrence)
