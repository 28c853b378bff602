"""Which few numbers describe a model?

One flat form for all three ways to name a model: a shape written into a workload, a preset's file and what a
Hugging Face config.json comes down to. Defaults are those of a Llama-like model.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

# Bounds ten times and more beyond any model published: past them a figure is a slip of the pen.
Layers = Annotated[int, Field(ge=1, le=10_000)]
Width = Annotated[int, Field(ge=1, le=10_000_000)]
AnyWidth = Annotated[int, Field(ge=0, le=10_000_000)]
Heads = Annotated[int, Field(ge=1, le=100_000)]
Tokens = Annotated[int, Field(ge=1, le=10**9)]
Number = Annotated[int, Field(ge=0, le=10**9)]
LayerType = Literal["full", "window", "chunk", "recurrent", "both", "mlp"]
RecurrenceKind = Literal["mamba", "mamba2", "lightning", "delta rule", "rwkv", "short convolution"]
# Which widths each recurrence cannot do without.
_RECURRENCE_NEEDS = {
    "mamba": ("recurrent_head_width", "state_width", "step_rank"),
    "mamba2": ("recurrent_heads", "recurrent_head_width", "state_width", "state_groups"),
    "lightning": ("recurrent_heads", "recurrent_head_width"),
    "delta rule": ("recurrent_heads", "recurrent_head_width", "state_width", "state_groups"),
    "rwkv": ("recurrent_head_width",),
}


class InlineFields(BaseModel):
    """A model, described by its widths and counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    layers: Layers = Field(description="Transformer blocks.")
    hidden: Width = Field(description="Width of the residual stream.")
    ffn: AnyWidth = Field(
        description="Inner width of the MLP, or of one expert unless expert_ffn says otherwise; 0 for no MLP."
    )
    heads: Annotated[int, Field(ge=0, le=100_000)] = Field(
        description="Query heads per block; 0 where all blocks are recurrent."
    )
    kv_heads: Heads | None = Field(None, validate_default=True, description="Key and value heads. Left out: as heads.")
    query_rank: Number = Field(0, description="Rank of compressed queries in latent attention (MLA); 0 for none.")
    kv_rank: Number = Field(0, description="Rank of the compressed cache in latent attention (MLA); 0 for none.")
    nope_width: Number = Field(0, description="MLA: width per head of queries and keys without position.")
    rope_width: Number = Field(0, description="MLA: width per head of queries and keys with rotary position.")
    value_width: Number = Field(0, validate_default=True, description="MLA: width per head of values.")
    head_width: Width | None = Field(
        None, validate_default=True, description="Width of one head. Left out: hidden / heads."
    )
    vocab: Tokens = Field(description="Rows of the embedding, padding included.")
    context_tokens: Tokens = Field(description="Longest context that the model was made for.")
    gated: bool = Field(True, description="Whether an MLP has a gate: three matrices (SwiGLU) or two.")
    experts: Number = Field(0, description="Routed experts per block; 0 for a dense model.")
    experts_per_token: Number = Field(0, validate_default=True, description="Routed experts that a token is sent to.")
    expert_ffn: Width | None = Field(None, description="Inner width of one routed expert. Left out: ffn.")
    shared_experts: Number = Field(0, description="Experts that every token passes, each as wide as a routed one.")
    shared_ffn: Number = Field(
        0, description="Inner width of all shared experts together, where shared_experts does not tell it."
    )
    shared_gate: bool = Field(False, description="Whether a learned gate weighs the shared experts.")
    router_bias: bool = Field(False, description="Whether the router has a bias per expert.")
    dense_layers: Number = Field(
        0, validate_default=True, description="Leading blocks with a dense MLP in a mixture of experts."
    )
    window: Number = Field(0, description="Sliding attention window in tokens; 0 for full attention.")
    full_attention_every: Number = Field(
        0, description="Every how many blocks one has full attention in spite of window; 0 for none."
    )
    tied_embeddings: bool = Field(False, description="Whether embedding and head share one matrix.")
    positions: Number = Field(0, description="Learned position embeddings; 0 for rotary or ALiBi.")
    qkv_bias: bool = Field(False, description="Whether queries, keys and values have biases.")
    output_bias: bool = Field(False, description="Whether attention's output projection has a bias.")
    mlp_bias: bool = Field(False, description="Whether MLPs and experts have biases.")
    head_bias: bool = Field(False, description="Whether the output head has a bias.")
    qk_norm: bool = Field(False, description="Whether queries and keys are normalised.")
    qk_norm_shared: bool = Field(True, description="Whether all heads share one query and key norm.")
    sinks: bool = Field(False, description="Whether each head has a learned attention sink.")
    norms: Annotated[int, Field(ge=0, le=16)] = Field(2, description="Norms with weights per block.")
    norm_bias: bool = Field(False, description="Whether norms have biases (LayerNorm).")
    final_norm: bool = Field(True, description="Whether a norm with weights follows the last block.")
    embedding_norm: bool = Field(False, description="Whether a norm follows the embedding.")
    embedding_width: Number = Field(0, description="Width of the embedding where it is projected; 0 for hidden.")
    layer_types: Annotated[tuple[LayerType, ...], Field(strict=False, max_length=10_000)] = Field(
        (),
        validate_default=True,
        description="Kind of each block, repeated until all have one: full, window or chunk attention, recurrent, "
        "both (attention beside a recurrence) or mlp (no more than that). Left out: as window says.",
    )
    ffn_each: Annotated[tuple[AnyWidth, ...], Field(strict=False, max_length=10_000)] = Field(
        (),
        validate_default=True,
        description="Inner width of each block's MLP where pruning left them uneven; 0 for no MLP. Left out: "
        "ffn in all.",
    )
    mlp_apart: bool = Field(False, description="Whether only blocks of kind mlp have an MLP (Nemotron-H).")
    experts_every: Annotated[int, Field(ge=1, le=10_000)] = Field(
        1, description="Every how many blocks one has experts, the others a dense MLP."
    )
    experts_from: Number = Field(0, description="First block with experts, counted from 0, where they are not in all.")
    attention_gate: bool = Field(False, description="Whether a gate as wide as the queries weighs attention's output.")
    causal: bool = Field(True, description="Whether tokens meet only those before them; false for encoders.")
    encoder_layers: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="Blocks of an encoder, to whose output the other blocks have cross-attention."
    )
    relative_buckets: Number = Field(0, description="Rows of each stack's table of relative positions (T5).")
    token_types: Number = Field(0, description="Rows of token type embeddings (BERT).")
    output_head: bool = Field(True, description="Whether a head gives a logit for each of the vocabulary.")
    head_transform: bool = Field(False, description="Whether a dense layer and a norm stand before the head (BERT).")
    pooler: bool = Field(False, description="Whether a dense layer pools the first token (BERT).")
    other_parameters: Number = Field(0, description="Parameters that no other key tells of.")
    drafting_blocks: Number = Field(
        0, description="Blocks that predict further tokens (MTP) and are released with the model, not counted in it."
    )
    recurrent_heads: Number = Field(0, description="Heads of a recurrence; for the delta rule those of values.")
    recurrent_head_width: Number = Field(0, description="Width of such a head; mamba, rwkv: the whole inner width.")
    state_width: Number = Field(0, description="Mamba's states per channel; for the delta rule a key's width.")
    state_groups: Number = Field(1, description="Mamba-2's groups of B and C; for the delta rule heads of keys.")
    step_rank: Number = Field(0, description="Rank of Mamba's step projection.")
    convolution: Number = Field(4, description="Tokens that a recurrence's convolution spans.")
    convolution_bias: bool = Field(True, description="Whether that convolution has a bias.")
    recurrent_bias: bool = Field(False, description="Whether a recurrence's projections have biases.")
    recurrent_norm: bool = Field(
        False, description="Whether a recurrence has a norm with weights inside: Mamba-2's gated one, Jamba's three."
    )
    recurrence: RecurrenceKind | None = Field(
        None, validate_default=True, description="What recurrent blocks are made of."
    )

    @field_validator("kv_heads")
    @classmethod
    def _kv_heads_divide(cls, kv_heads: int | None, info: ValidationInfo) -> int | None:
        heads = info.data.get("heads")
        if heads and kv_heads and heads % kv_heads:
            raise ValueError(f"{heads} query heads cannot share {kv_heads} key and value heads evenly")
        return kv_heads

    @field_validator("value_width")
    @classmethod
    def _latent_is_whole(cls, value_width: int, info: ValidationInfo) -> int:
        widths = (info.data.get("nope_width"), info.data.get("rope_width"), value_width)
        if info.data.get("kv_rank") and 0 in widths:
            raise ValueError("latent attention needs nope_width, rope_width and value_width")
        return value_width

    @field_validator("head_width")
    @classmethod
    def _heads_divide(cls, head_width: int | None, info: ValidationInfo) -> int | None:
        hidden, heads, latent = (info.data.get(key) for key in ("hidden", "heads", "kv_rank"))
        if head_width is None and not latent and hidden and heads and hidden % heads:
            raise ValueError(f"a width of {hidden} does not divide into {heads} heads; name the heads' width")
        return head_width

    @field_validator("experts_per_token")
    @classmethod
    def _experts_suffice(cls, per_token: int, info: ValidationInfo) -> int:
        experts = info.data.get("experts", per_token)
        if per_token > experts or (experts and not per_token):
            raise ValueError(f"a token is sent to {per_token} of {experts} experts")
        return per_token

    @field_validator("dense_layers")
    @classmethod
    def _dense_layers_exist(cls, dense: int, info: ValidationInfo) -> int:
        layers = info.data.get("layers", dense)
        if dense > layers or (dense and not info.data.get("experts", dense)):
            raise ValueError(f"{dense} dense blocks of {layers} make sense only in a mixture of experts")
        return dense

    @field_validator("layer_types")
    @classmethod
    def _heads_exist(cls, kinds: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("heads") == 0 and set(kinds) - {"recurrent", "mlp"} | ({"full"} if not kinds else set()):
            raise ValueError("attention needs heads, and `heads` is 0")
        if not info.data.get("window", 1) and {"window", "chunk"} & set(kinds):
            raise ValueError("blocks have a window, and `window` is 0")
        return kinds

    @field_validator("ffn_each")
    @classmethod
    def _each_block_is_told(cls, widths: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        layers = info.data.get("layers", len(widths))
        if widths and len(widths) != layers:
            raise ValueError(f"{len(widths)} widths for {layers} blocks")
        if widths and info.data.get("experts"):
            raise ValueError("experts are of one width; leave it out")
        return widths

    @field_validator("recurrence")
    @classmethod
    def _recurrence_is_told(cls, kind: str | None, info: ValidationInfo) -> str | None:
        recurrent = {"recurrent", "both"} & set(info.data.get("layer_types", ()))
        if recurrent and kind is None:
            raise ValueError("recurrent blocks need it")
        missing = [field for field in _RECURRENCE_NEEDS.get(kind or "", ()) if info.data.get(field) == 0]
        if recurrent and missing:
            raise ValueError(f"it needs {' and '.join(missing)}")
        return kind
