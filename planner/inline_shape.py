"""Which blocks does a flat description come down to?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError

from planner.errors import ModelError
from planner.inline_fields import InlineFields
from planner.recurrence import Recurrence, delta_rule, lightning, mamba, mamba2, rwkv, short_convolution
from planner.shape import NO_ATTENTION, NO_MLP, Attention, Blocks, LatentAttention, Mlp, ModelShape


class InlineShape(InlineFields):
    """A model, described by its widths and counts."""

    def to_shape(self, name: str, notes: tuple[str, ...] = ()) -> ModelShape:
        """The shape under the name that reports show."""
        blocks = self._blocks()
        stacks = 2 if self.encoder_layers else 1
        return ModelShape(
            name=name,
            hidden=self.hidden,
            vocab=self.vocab,
            blocks=blocks,
            context_tokens=self.context_tokens,
            tied_embeddings=self.tied_embeddings,
            positions=self.positions,
            token_types=self.token_types,
            norm_bias=self.norm_bias,
            head_bias=self.head_bias,
            final_norm=self.final_norm,
            embedding_norm=self.embedding_norm,
            embedding_width=0 if self.embedding_width == self.hidden else self.embedding_width,
            head=self.output_head,
            head_transform=self.head_transform,
            pooler=self.pooler,
            drafting_blocks=self.drafting_blocks,
            other_parameters=self.other_parameters + stacks * self.relative_buckets * self.heads,
            notes=notes,
        )

    def _blocks(self) -> tuple[Blocks, ...]:
        """The encoder's run, then the others': dense blocks and those with experts by where they first stand."""
        pattern = self._pattern()
        sparse = [self._has_experts(number) for number in range(self.layers)]
        kinds = [pattern[number % len(pattern)] for number in range(self.layers)]
        widths = self.ffn_each or (self.ffn,) * self.layers
        counts = Counter(zip(sparse, kinds, widths, strict=True))
        runs = [
            self._run(counts[experts, kind, width], experts, kind, width)
            for experts in dict.fromkeys(sparse)
            for kind in dict.fromkeys(pattern)
            for width in dict.fromkeys(widths)
            if counts[experts, kind, width]
        ]
        return (*self._encoder(), *runs)

    def _pattern(self) -> tuple[str, ...]:
        if self.layer_types:
            return self.layer_types
        if not self.window:
            return ("full",)
        every = min(self.full_attention_every, self.layers + 1)
        return (*["window"] * (every - 1), "full") if every else ("window",)

    def _has_experts(self, number: int) -> bool:
        after_dense = self.experts > 0 and number >= self.dense_layers
        return after_dense and (number - self.experts_from) % self.experts_every == 0

    def _encoder(self) -> tuple[Blocks, ...]:
        if not self.encoder_layers:
            return ()
        attention = self._attention(0, causal=False)
        mlp = self._mlp(self.ffn)
        return (Blocks(count=self.encoder_layers, attention=attention, mlp=mlp, norms=self.norms, encoder=True),)

    def _run(self, count: int, experts: bool, kind: str, width: int) -> Blocks:
        attends = kind not in ("recurrent", "mlp")
        has_mlp = width > 0 and (kind == "mlp" or not self.mlp_apart)
        cross = self._attention(0, causal=False) if self.encoder_layers else None
        return Blocks(
            count=count,
            attention=self._kind_of_attention(kind) if attends else NO_ATTENTION,
            mlp=(self._experts_mlp() if experts else self._mlp(width)) if has_mlp else NO_MLP,
            norms=self.norms + (1 if cross else 0),
            recurrence=self._recurrence() if kind in ("recurrent", "both") else None,
            cross=cross,
        )

    def _kind_of_attention(self, kind: str) -> Attention:
        window = self.window if kind in ("window", "chunk") else 0
        return self._attention(window, chunked=kind == "chunk", causal=self.causal)

    def _attention(self, window: int, chunked: bool = False, causal: bool = True) -> Attention:
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
            chunked=chunked,
            causal=causal,
            gated=self.attention_gate,
            qkv_bias=self.qkv_bias,
            output_bias=self.output_bias,
            qk_norm=self.qk_norm,
            qk_norm_shared=self.qk_norm_shared,
            sinks=self.sinks,
            latent=latent,
        )

    def _mlp(self, width: int) -> Mlp:
        return Mlp(ffn=width, gated=self.gated, bias=self.mlp_bias)

    def _experts_mlp(self) -> Mlp:
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

    def _recurrence(self) -> Recurrence:
        hidden, heads, width = self.hidden, self.recurrent_heads, self.recurrent_head_width
        biases = {"bias": self.recurrent_bias, "convolution_bias": self.convolution_bias}
        match self.recurrence:
            case "mamba":
                ranks = (self.state_width, self.convolution, self.step_rank)
                return mamba(hidden, width, *ranks, **biases, inner_norms=self.recurrent_norm)
            case "mamba2":
                states = (self.state_width, self.state_groups, self.convolution)
                return mamba2(hidden, heads, width, *states, **biases, norm=self.recurrent_norm)
            case "lightning":
                return lightning(hidden, heads, width)
            case "delta rule":
                return delta_rule(hidden, self.state_groups, self.state_width, heads, width, self.convolution)
            case "rwkv":
                return rwkv(hidden, width)
            case _:
                return short_convolution(hidden, self.convolution, bias=self.recurrent_bias)

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
