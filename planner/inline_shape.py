"""Which few numbers describe a decoder, and do they agree?

One flat form for all three ways to name a model: a shape written into a workload, a preset's file and what a
Hugging Face config.json comes down to. Defaults are those of a Llama-like model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from planner.errors import ModelError
from planner.shape import Attention, Blocks, LatentAttention, Mlp, ModelShape

# Bounds ten times and more beyond any model published: past them a figure is a slip of the pen.
Layers = Annotated[int, Field(ge=1, le=10_000)]
Width = Annotated[int, Field(ge=1, le=10_000_000)]
Heads = Annotated[int, Field(ge=1, le=100_000)]
Tokens = Annotated[int, Field(ge=1, le=10**9)]
Number = Annotated[int, Field(ge=0, le=10**9)]


class InlineShape(BaseModel):
    """A decoder-only model, described by its widths and counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    layers: Layers = Field(description="Transformer blocks.")
    hidden: Width = Field(description="Width of the residual stream.")
    ffn: Width = Field(description="Inner width of the MLP, or of one expert unless expert_ffn says otherwise.")
    heads: Heads = Field(description="Query heads per block.")
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

    def to_shape(self, name: str) -> ModelShape:
        """The shape under the name that reports show."""
        return ModelShape(
            name=name,
            hidden=self.hidden,
            vocab=self.vocab,
            blocks=self._blocks(),
            context_tokens=self.context_tokens,
            tied_embeddings=self.tied_embeddings,
            positions=self.positions,
            norm_bias=self.norm_bias,
            head_bias=self.head_bias,
            final_norm=self.final_norm,
            embedding_norm=self.embedding_norm,
            embedding_width=0 if self.embedding_width == self.hidden else self.embedding_width,
        )

    def _blocks(self) -> tuple[Blocks, ...]:
        dense = Mlp(ffn=self.ffn, gated=self.gated, bias=self.mlp_bias)
        spans = [
            (0, self.dense_layers, dense),
            (self.dense_layers, self.layers, self._experts_mlp() or dense),
        ]
        runs = [
            Blocks(count=count, attention=self._attention(window), mlp=mlp, norms=self.norms)
            for start, stop, mlp in spans
            for window, count in self._windows(start, stop)
        ]
        return tuple(run for run in runs if run.count)

    def _windows(self, start: int, stop: int) -> tuple[tuple[int, int], ...]:
        """Windows, and how many of the blocks from `start` up to `stop` have each."""
        if not self.window or not self.full_attention_every:
            return ((self.window, stop - start),)
        full = stop // self.full_attention_every - start // self.full_attention_every
        return (self.window, stop - start - full), (0, full)

    def _attention(self, window: int) -> Attention:
        latent = None
        head_width = self.head_width or self.hidden // self.heads
        if self.kv_rank:
            head_width = self.nope_width + self.rope_width
            latent = LatentAttention(
                query_rank=self.query_rank,
                kv_rank=self.kv_rank,
                nope_width=self.nope_width,
                rope_width=self.rope_width,
                value_width=self.value_width,
            )
        return Attention(
            heads=self.heads,
            kv_heads=self.kv_heads or self.heads,
            head_width=head_width,
            window=window,
            qkv_bias=self.qkv_bias,
            output_bias=self.output_bias,
            qk_norm=self.qk_norm,
            qk_norm_shared=self.qk_norm_shared,
            sinks=self.sinks,
            latent=latent,
        )

    def _experts_mlp(self) -> Mlp | None:
        if not self.experts:
            return None
        width = self.expert_ffn or self.ffn
        return Mlp(
            ffn=width,
            gated=self.gated,
            bias=self.mlp_bias,
            experts=self.experts,
            experts_per_token=self.experts_per_token,
            shared_ffn=self.shared_ffn or self.shared_experts * width,
            shared_gate=self.shared_gate,
            router_bias=self.router_bias,
        )

    @classmethod
    def checked(cls, fields: Mapping[str, Any], where: str, keys: Mapping[str, str] | None = None) -> Self:
        """The shape in `fields`; `keys` tells under which other name the user wrote a field.

        Raises ModelError with a finding for each field that is wrong, `where` in front.
        """
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False)
        findings = []
        for problem in problems:
            field = str(problem["loc"][0])
            key = (keys or {}).get(field, field)
            findings.append(f"{where}: {_finding(key, problem['type'], problem['input'], problem['msg'])}")
        raise ModelError(findings)


def _finding(key: str, kind: str, given: Any, message: str) -> str:
    if kind == "extra_forbidden":
        return f"`{key}` is not a key of a model's shape; keys are {', '.join(InlineShape.model_fields)}"
    told = message.removeprefix("Value error, ").replace("Input should", "should")
    if given is None or kind == "missing":
        return f"`{key}` is missing: {told}" if kind == "value_error" else f"`{key}` is missing"
    return f"`{key}` is {given!r:.40}: {told}"
