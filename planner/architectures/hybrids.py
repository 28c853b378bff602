"""How do models with recurrences, beside attention or without any, spell their shape?

Keys, defaults and which layers carry biases and norms: Transformers 4.57; MiniMax-Text-01 and Nemotron-H in
their own repositories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.architecture import Architecture, Config, times
from planner.architectures.layer_types import KINDS, blocks_in, listed, periodic, whole, windows_where_listed
from planner.architectures.spelling import ATTENTION_BIAS, EXPERTS, LLAMA, LLAMA_BIAS, MOE, PLAIN, QWEN_EXPERTS, TIED

# A recurrence sets no bound to the context; where a config names none, this stands for it.
_UNBOUNDED = 2**20

_MAMBA_KEYS = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "vocab": "vocab_size",
    "state_width": "state_size",
    "convolution": "conv_kernel",
    "convolution_bias": "use_conv_bias",
    "recurrent_bias": "use_bias",
    "tied_embeddings": "tie_word_embeddings",
}
_NO_ATTENTION = {"heads": 0, "ffn": 0, "norms": 1, "layer_types": ("recurrent",), "context_tokens": _UNBOUNDED}
_HYBRID_MAMBA2 = {
    "recurrent_heads": "mamba_n_heads",
    "recurrent_head_width": "mamba_d_head",
    "state_width": "mamba_d_state",
    "state_groups": "mamba_n_groups",
    "convolution": "mamba_d_conv",
    "convolution_bias": "mamba_conv_bias",
    "recurrent_bias": "mamba_proj_bias",
}
_HYBRID_MAMBA2_ABSENT = {"recurrent_heads": 128, "state_width": 256}


def _expanded(config: Config) -> Any:
    """Mamba's inner width, told or as a multiple of the hidden one."""
    told = config.get("intermediate_size")
    return times(whole(config, "expand", 2, 1), config["hidden_size"]) if told is None else told


def _head_width(key: str, heads_key: str, expand_key: str) -> Any:
    """The width of Mamba-2's heads, told or as what heads leave of the expanded width."""

    def read(config: Config) -> Any:
        told = config.get(key)
        if told is not None and told != "auto":
            return told
        width = times(whole(config, expand_key, 2, 1), config["hidden_size"])
        heads = whole(config, heads_key, 128, 1)
        if width % heads:
            raise ValueError(f"an inner width of {width} does not divide into {heads} heads")
        return width // heads

    return read


def _step_rank(key: str) -> Any:
    """The rank of Mamba's step projection: a sixteenth of the hidden width unless told."""

    def read(config: Config) -> Any:
        told = config.get(key, "auto")
        return -(-times(1, config["hidden_size"]) // 16) if told in (None, "auto") else told

    return read


def _indexed(config: Config) -> Any:
    """Bamba's blocks with attention, by number; the others are recurrent."""
    given = config.get("attn_layer_indices") or []
    layers = blocks_in(config)
    if not isinstance(given, list) or not all(isinstance(item, int) and 0 <= item < layers for item in given):
        raise ValueError("`attn_layer_indices` is no list of blocks")
    return tuple("full" if number in set(given) else "recurrent" for number in range(layers))


def _minimax_types(config: Config) -> Any:
    """MiniMax's blocks: `layer_types`, or `attn_type_list` with 1 for full attention."""
    if config.get("layer_types") is not None:
        return listed(config, "layer_types", KINDS)
    if config.get("attn_type_list") is not None:
        return listed(config, "attn_type_list", {1: "full", 0: "recurrent"})
    if config.get("model_type") != "minimax":
        raise ValueError("`attn_type_list` is missing")
    return ("full", "recurrent")


def _delta_types(config: Config) -> Any:
    """Qwen3-Next's blocks: three with the delta rule, then one with attention, unless listed."""
    listed_types = windows_where_listed(config)
    if listed_types is not None:
        return listed_types
    interval = min(whole(config, "full_attention_interval", 4, 1), 10_000)
    return (*["recurrent"] * (interval - 1), "full")


def _lfm2_types(config: Config) -> Any:
    """LFM2's blocks: listed, or with the numbers of those with attention."""
    if config.get("layer_types") is not None:
        return listed(config, "layer_types", KINDS)
    given = config.get("full_attn_idxs")
    if given is None:
        return None
    return _indexed({**config, "attn_layer_indices": given})


def _lfm2_ffn(config: Config) -> Any:
    """LFM2's inner width: two thirds, scaled, rounded up, unless it is told not to."""
    width = whole({**config, "width": config.get("block_ff_dim", config.get("intermediate_size"))}, "width", None, 1)
    if not config.get("block_auto_adjust_ff_dim", True):
        return width
    width = int(2 * width / 3)
    factor = config.get("block_ffn_dim_multiplier", 1.0)
    if isinstance(factor, int | float) and not isinstance(factor, bool) and 0 < factor < 1000:
        width = int(factor * width)
    step = whole(config, "block_multiple_of", 256, 1)
    return step * -(-width // step)


def _hybrid_shared(config: Config) -> Any:
    """Granite 4's shared MLP: what stands beside the experts, else the only one."""
    return config.get("shared_intermediate_size") if config.get("num_local_experts") else None


_MINIMAX = Architecture(
    keys={
        **LLAMA,
        **EXPERTS,
        "recurrent_heads": "num_attention_heads",
        "recurrent_head_width": "head_dim",
    },
    absent={"kv_heads": 8},
    always={"recurrence": "lightning"},
    needs=MOE,
    derived={
        "layer_types": _minimax_types,
        "recurrent_head_width": lambda config: (
            config.get("head_dim") or times(1, config["hidden_size"]) // times(1, config["num_attention_heads"] or 1)
        ),
    },
    only={"shared_intermediate_size": (0,)},
)

HYBRID: Mapping[str, Architecture] = {
    "mamba": Architecture(
        keys={**_MAMBA_KEYS, "step_rank": "time_step_rank", "recurrent_head_width": "intermediate_size"},
        absent={"state_width": 16, **TIED},
        always={**_NO_ATTENTION, "recurrence": "mamba"},
        derived={"step_rank": _step_rank("time_step_rank"), "recurrent_head_width": _expanded},
    ),
    "falcon_mamba": Architecture(
        keys={**_MAMBA_KEYS, "step_rank": "time_step_rank", "recurrent_head_width": "intermediate_size"},
        absent={"state_width": 16, **TIED},
        always={**_NO_ATTENTION, "recurrence": "mamba"},
        derived={"step_rank": _step_rank("time_step_rank"), "recurrent_head_width": _expanded},
    ),
    "mamba2": Architecture(
        keys={
            **_MAMBA_KEYS,
            "recurrent_heads": "num_heads",
            "recurrent_head_width": "head_dim",
            "state_groups": "n_groups",
        },
        absent={"state_width": 128, "recurrent_heads": 128, "recurrent_head_width": 64, "state_groups": 8},
        always={**_NO_ATTENTION, "recurrence": "mamba2", "recurrent_norm": True},
    ),
    "jamba": Architecture(
        keys={
            **LLAMA,
            "experts": "num_experts",
            "experts_per_token": "num_experts_per_tok",
            "experts_every": "expert_layer_period",
            "experts_from": "expert_layer_offset",
            "state_width": "mamba_d_state",
            "convolution": "mamba_d_conv",
            "convolution_bias": "mamba_conv_bias",
            "recurrent_bias": "mamba_proj_bias",
            "step_rank": "mamba_dt_rank",
            "recurrent_head_width": "mamba_expand",
        },
        absent={"kv_heads": 8, "experts_every": 2, "experts_from": 1, "state_width": 16, "context_tokens": 262_144},
        always={"recurrence": "mamba", "recurrent_norm": True},
        needs=MOE,
        derived={
            "layer_types": lambda config: periodic(
                config, "attn_layer_period", "attn_layer_offset", (8, 4), ("recurrent", "full")
            ),
            "step_rank": _step_rank("mamba_dt_rank"),
            "recurrent_head_width": lambda config: times(whole(config, "mamba_expand", 2, 1), config["hidden_size"]),
        },
    ),
    "bamba": Architecture(
        keys={**LLAMA, **LLAMA_BIAS, **_HYBRID_MAMBA2},
        absent={"kv_heads": 8, **_HYBRID_MAMBA2_ABSENT},
        always={"recurrence": "mamba2", "recurrent_norm": True},
        derived={
            "layer_types": _indexed,
            "recurrent_head_width": _head_width("mamba_d_head", "mamba_n_heads", "mamba_expand"),
        },
    ),
    "falcon_h1": Architecture(
        keys={**LLAMA, **LLAMA_BIAS, **_HYBRID_MAMBA2, "recurrent_norm": "mamba_rms_norm"},
        absent={"kv_heads": 8, **_HYBRID_MAMBA2_ABSENT},
        always={"recurrence": "mamba2", "layer_types": ("both",)},
        derived={"recurrent_head_width": _head_width("mamba_d_head", "mamba_n_heads", "mamba_expand")},
        only={"projectors_bias": (False,), "mamba_proj_bias": (False,)},
    ),
    "granitemoehybrid": Architecture(
        keys={
            **{field: key for field, key in LLAMA.items() if field != "head_width"},
            **ATTENTION_BIAS,
            **EXPERTS,
            **_HYBRID_MAMBA2,
            "shared_ffn": "shared_intermediate_size",
        },
        absent=_HYBRID_MAMBA2_ABSENT,
        always={"recurrence": "mamba2", "recurrent_norm": True},
        derived={
            "layer_types": lambda config: (
                listed(config, "layer_types", KINDS) if config.get("layer_types") else ("recurrent",)
            ),
            "recurrent_head_width": _head_width("mamba_d_head", "mamba_n_heads", "mamba_expand"),
            "ffn": lambda config: (
                config["intermediate_size"] if config.get("num_local_experts") else config["shared_intermediate_size"]
            ),
            "shared_ffn": _hybrid_shared,
            "experts_per_token": lambda config: (
                config.get("num_experts_per_tok") if config.get("num_local_experts") else None
            ),
        },
    ),
    "qwen3_next": Architecture(
        keys={
            **LLAMA,
            **ATTENTION_BIAS,
            **QWEN_EXPERTS,
            "shared_ffn": "shared_expert_intermediate_size",
            "recurrent_heads": "linear_num_value_heads",
            "recurrent_head_width": "linear_value_head_dim",
            "state_width": "linear_key_head_dim",
            "state_groups": "linear_num_key_heads",
            "convolution": "linear_conv_kernel_dim",
        },
        absent={"kv_heads": 2, "head_width": 256},
        always={"qk_norm": True, "attention_gate": True, "shared_gate": True, "recurrence": "delta rule"},
        needs=("expert_ffn", "recurrent_heads", "recurrent_head_width", "state_width", "state_groups", *MOE),
        derived={
            "layer_types": _delta_types,
            "experts_from": lambda config: whole(config, "decoder_sparse_step", 1, 1) - 1,
        },
        only={"mlp_only_layers": ([],)},
    ),
    "minimax": _MINIMAX,
    "minimax_text_01": _MINIMAX,
    "minimax_m1": _MINIMAX,
    "lfm2": Architecture(
        keys={
            **LLAMA,
            "ffn": "intermediate_size",
            "convolution": "conv_L_cache",
            "recurrent_bias": "conv_bias",
            "tied_embeddings": "tie_word_embeddings or tie_embedding",
        },
        absent={"kv_heads": 8, "convolution": 3, **TIED},
        always={"recurrence": "short convolution", "qk_norm": True},
        derived={"layer_types": _lfm2_types, "ffn": _lfm2_ffn},
    ),
    "nemotron_h": Architecture(
        keys={
            **LLAMA,
            **LLAMA_BIAS,
            "head_width": "attention_head_dim or head_dim",
            "recurrent_heads": "mamba_num_heads",
            "recurrent_head_width": "mamba_head_dim",
            "state_width": "ssm_state_size",
            "state_groups": "n_groups",
            "convolution": "conv_kernel",
            "convolution_bias": "use_conv_bias",
            "recurrent_bias": "mamba_proj_bias",
        },
        absent={"state_groups": 8},
        always={**PLAIN, "recurrence": "mamba2", "recurrent_norm": True, "mlp_apart": True, "norms": 1},
        needs=("recurrent_heads", "recurrent_head_width", "state_width"),
        derived={
            "layer_types": lambda config: listed(
                config, "hybrid_override_pattern", {"M": "recurrent", "*": "full", "-": "mlp"}
            )
        },
    ),
    "rwkv": Architecture(
        keys={
            "layers": "num_hidden_layers",
            "hidden": "hidden_size",
            "ffn": "intermediate_size",
            "vocab": "vocab_size",
            "context_tokens": "context_length",
            "tied_embeddings": "tie_word_embeddings",
            "recurrent_head_width": "attention_hidden_size",
        },
        absent={"context_tokens": 1024},
        always={
            **PLAIN,
            "heads": 0,
            "layer_types": ("recurrent",),
            "recurrence": "rwkv",
            "norm_bias": True,
            "embedding_norm": True,
        },
        derived={
            "ffn": lambda config: config.get("intermediate_size") or times(4, config["hidden_size"]),
            "recurrent_head_width": lambda config: config.get("attention_hidden_size") or config["hidden_size"],
        },
    ),
}
