"""How do decoders with a mixture of experts spell their shape?

Keys, defaults and which layers carry biases and norms: Transformers 4.57; Kimi K2 and MiniMax-M2 in their own
repositories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.architecture import Architecture, Config
from planner.architectures.layer_types import (
    blocks_in,
    llama4_layer_types,
    qwen_layer_types,
    qwen_window,
    whole,
    windows_every,
)
from planner.architectures.spelling import (
    ATTENTION_BIAS,
    DEEPSEEK_EXPERTS,
    EXPERTS,
    LATENT,
    LLAMA,
    MLA_MOE,
    MOE,
    QWEN_EXPERTS,
    TIED,
    WINDOW,
)

# Their heads are always hidden / heads wide.
_GRANITE = {field: key for field, key in LLAMA.items() if field != "head_width"}
_QWEN_MOE = ("expert_ffn", *MOE)
_EVERY_BLOCK: Mapping[str, tuple[object, ...]] = {"mlp_only_layers": ([],)}
_QWEN_DERIVED: Mapping[str, Callable[[Config], Any]] = {
    "window": qwen_window,
    "layer_types": qwen_layer_types,
    # Counted from 1, so that the first of every two is the second.
    "experts_from": lambda config: whole(config, "decoder_sparse_step", 1, 1) - 1,
}


def _llama4_first(config: Config) -> Any:
    """The first block with experts; ValueError where `moe_layers` does not repeat evenly."""
    step = whole(config, "interleave_moe_layer_step", 1, 1)
    given = config.get("moe_layers")
    if given is not None and given != list(range(step - 1, blocks_in(config), step)):
        raise ValueError(f"`moe_layers` does not repeat every {step} blocks, as `interleave_moe_layer_step` says")
    return step - 1


def _ernie_dense(config: Config) -> Any:
    end = config.get("moe_layer_end_index")
    if end is not None and end not in (-1, blocks_in(config) - 1):
        raise ValueError(f"`moe_layer_end_index` is {end!r:.40}; Berth can count ernie4_5_moe models only to the end")
    return whole(config, "moe_layer_start_index", 1)


def _one_value(key: str) -> Callable[[Config], Any]:
    """The value under `key`, or that which all blocks have in its list."""

    def read(config: Config) -> Any:
        given = config[key]
        if not isinstance(given, list):
            return given
        if len({str(item) for item in given}) != 1:
            raise ValueError(f"`{key}` differs between blocks")
        return given[0]

    return read


_DEEPSEEK_V3 = Architecture(
    keys={**LLAMA, **LATENT},
    always={"router_bias": True},
    needs=MLA_MOE,
    only={"moe_layer_freq": (1,), "attention_bias": (False,)},
)
_GLM4_MOE = Architecture(
    keys={**LLAMA, **DEEPSEEK_EXPERTS, "qkv_bias": "attention_bias", "qk_norm": "use_qk_norm"},
    always={"router_bias": True},
    needs=("expert_ffn", *MOE),
)
_QWEN3_MOE = Architecture(
    keys={**LLAMA, **ATTENTION_BIAS, **QWEN_EXPERTS},
    absent={"kv_heads": 4},
    always={"qk_norm": True},
    needs=_QWEN_MOE,
    derived=_QWEN_DERIVED,
    only=_EVERY_BLOCK,
)


EXPERT: Mapping[str, Architecture] = {
    "mixtral": Architecture(keys={**LLAMA, **WINDOW, **EXPERTS}, absent={"kv_heads": 8}, needs=MOE),
    "phimoe": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, **WINDOW, **EXPERTS, "head_bias": "lm_head_bias"},
        absent={"kv_heads": 8},
        always={"norm_bias": True},
        needs=MOE,
    ),
    "llama4_text": Architecture(
        keys={
            **LLAMA,
            **EXPERTS,
            "ffn": "intermediate_size_mlp",
            "expert_ffn": "intermediate_size",
            "experts_every": "interleave_moe_layer_step",
            "window": "attention_chunk_size",
        },
        absent={"kv_heads": 8, "head_width": 128, "window": 8192},
        always={"shared_experts": 1},
        needs=("expert_ffn", *MOE),
        derived={"layer_types": llama4_layer_types, "experts_from": _llama4_first},
        only={"attention_bias": (False,)},
    ),
    "qwen2_moe": Architecture(
        keys={**LLAMA, **QWEN_EXPERTS, "qkv_bias": "qkv_bias", "shared_ffn": "shared_expert_intermediate_size"},
        absent={"qkv_bias": True},
        always={"shared_gate": True},
        needs=_QWEN_MOE,
        derived=_QWEN_DERIVED,
        only=_EVERY_BLOCK,
    ),
    "qwen3_moe": _QWEN3_MOE,
    "qwen3_vl_moe_text": _QWEN3_MOE,
    "olmoe": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, "experts": "num_experts", "experts_per_token": "num_experts_per_tok"},
        always={"qk_norm": True, "qk_norm_shared": False},
        needs=MOE,
    ),
    "granitemoe": Architecture(keys={**_GRANITE, **ATTENTION_BIAS, **EXPERTS}, needs=MOE),
    "granitemoeshared": Architecture(
        keys={**_GRANITE, **ATTENTION_BIAS, **EXPERTS, "shared_ffn": "shared_intermediate_size"}, needs=MOE
    ),
    "hunyuan_v1_moe": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, "experts": "num_experts", "experts_per_token": "moe_topk"},
        always={"qk_norm": True, "shared_experts": 1},
        needs=MOE,
        derived={"experts": _one_value("num_experts"), "experts_per_token": _one_value("moe_topk")},
    ),
    "ernie4_5_moe": Architecture(
        keys={
            **LLAMA,
            "qkv_bias": "use_bias",
            "output_bias": "use_bias",
            "mlp_bias": "use_bias",
            "head_bias": "use_bias",
            "experts": "moe_num_experts",
            "experts_per_token": "moe_k",
            "expert_ffn": "moe_intermediate_size",
            "shared_experts": "moe_num_shared_experts",
            "experts_every": "moe_layer_interval",
            "dense_layers": "moe_layer_start_index",
        },
        absent={"kv_heads": 4, "experts_per_token": 2, **TIED},
        always={"router_bias": True},
        needs=_QWEN_MOE,
        derived={
            "dense_layers": _ernie_dense,
            "experts_from": lambda config: whole(config, "moe_layer_interval", 1, 1) - 1,
        },
    ),
    "glm4_moe": _GLM4_MOE,
    "glm4v_moe_text": _GLM4_MOE,
    "dots1": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, **DEEPSEEK_EXPERTS},
        always={"router_bias": True, "qk_norm": True},
        needs=("expert_ffn", *MOE),
        only={"sliding_window": (4096,), "moe_layer_freq": (1,)},
    ),
    "deepseek": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, **DEEPSEEK_EXPERTS},
        needs=("expert_ffn", *MOE),
        only={"moe_layer_freq": (1,)},
    ),
    "deepseek_v2": Architecture(
        keys={**LLAMA, **LATENT}, needs=MLA_MOE, only={"moe_layer_freq": (1,), "attention_bias": (False,)}
    ),
    "deepseek_v3": _DEEPSEEK_V3,
    "kimi_k2": _DEEPSEEK_V3,
    "gpt_oss": Architecture(
        keys={**LLAMA, **WINDOW, **EXPERTS},
        absent={"kv_heads": 8, "head_width": 64, "window": 128},
        always={"qkv_bias": True, "output_bias": True, "mlp_bias": True, "router_bias": True, "sinks": True},
        needs=MOE,
        derived={"layer_types": windows_every(2)},
    ),
    "minimax_m2": Architecture(
        keys={**LLAMA, **EXPERTS, "qk_norm": "use_qk_norm", "router_bias": "use_routing_bias"},
        absent={"qk_norm": True, "router_bias": True},
        always={"qk_norm_shared": False},
        needs=MOE,
        only={"shared_intermediate_size": (0,), "qk_norm_type": ("per_layer",), "sliding_window": (None,)},
    ),
}
