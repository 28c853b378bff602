"""How do decoders with one MLP per block spell their shape?

Keys, defaults and which layers carry biases and norms: Transformers 4.57; InternLM 2, Qwen 1, Baichuan and
ChatGLM in their own repositories.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.architecture import (
    Architecture,
    falcon_kv_heads,
    falcon_norms,
    four_times,
    mpt_ffn,
    mpt_kv_heads,
    mpt_positions,
    times,
)
from planner.architectures.layer_types import (
    gpt_neo_layer_types,
    qwen_layer_types,
    qwen_window,
    windows_every,
    windows_where_listed,
)
from planner.architectures.spelling import (
    ATTENTION_BIAS,
    BIASES,
    GPT2,
    LLAMA,
    LLAMA_BIAS,
    NEOX,
    PLAIN,
    TIED,
    WINDOW,
)

_NO_QK_NORM = {"qk_layernorm": (False,)}
_QWEN_WINDOW = {"window": qwen_window, "layer_types": qwen_layer_types}
_QWEN2 = Architecture(keys=LLAMA, always={"qkv_bias": True}, derived=_QWEN_WINDOW)
_QWEN3 = Architecture(
    keys={**LLAMA, **ATTENTION_BIAS}, absent={"head_width": 128}, always={"qk_norm": True}, derived=_QWEN_WINDOW
)
_GLM4 = Architecture(
    keys={**LLAMA, "qkv_bias": "attention_bias"}, absent={"kv_heads": 2, "qkv_bias": True}, always={"norms": 4}
)
_GEMMA3 = Architecture(
    keys={**LLAMA, **ATTENTION_BIAS, **WINDOW},
    absent={
        "heads": 8,
        "kv_heads": 4,
        "head_width": 256,
        "vocab": 262_208,
        "window": 4096,
        "context_tokens": 131_072,
        **TIED,
    },
    always={"norms": 4, "qk_norm": True},
    derived={"layer_types": windows_every(6)},
)


DENSE: Mapping[str, Architecture] = {
    "llama": Architecture(keys={**LLAMA, **LLAMA_BIAS}),
    "smollm3": Architecture(keys={**LLAMA, **LLAMA_BIAS}, absent=TIED, derived=_QWEN_WINDOW),
    "granite": Architecture(keys={**LLAMA, **LLAMA_BIAS}),
    "arcee": Architecture(keys={**LLAMA, **LLAMA_BIAS}, always=PLAIN),
    "helium": Architecture(keys={**LLAMA, "mlp_bias": "mlp_bias", "qkv_bias": "attention_bias"}),
    "minicpm": Architecture(keys=LLAMA, absent=TIED),
    "biogpt": Architecture(
        keys=NEOX,
        absent=TIED,
        always={**BIASES, **PLAIN},
        # Its position embeddings keep two rows that no position uses.
        derived={"positions": lambda config: times(1, config["max_position_embeddings"]) + 2},
    ),
    "internlm": Architecture(
        keys={**NEOX, "qkv_bias": "bias", "output_bias": "bias"},
        absent={"qkv_bias": True, "output_bias": True},
    ),
    "internlm2": Architecture(
        keys={**LLAMA, "qkv_bias": "bias", "output_bias": "bias"},
        absent={"qkv_bias": True, "output_bias": True},
    ),
    "baichuan": Architecture(keys={**NEOX, "context_tokens": "max_position_embeddings or model_max_length"}),
    "qwen": Architecture(
        keys={**NEOX, "context_tokens": "seq_length or max_position_embeddings"},
        always={"qkv_bias": True},
        # Half of it for the gate, half for the other branch.
        derived={"ffn": lambda config: config["intermediate_size"] // 2},
        only={"no_bias": (True,)},
    ),
    "chatglm": Architecture(
        keys={
            **NEOX,
            "layers": "num_layers",
            "ffn": "ffn_hidden_size",
            "head_width": "kv_channels",
            "vocab": "padded_vocab_size",
            "context_tokens": "seq_length",
            "qkv_bias": "add_qkv_bias",
            "output_bias": "add_bias_linear",
            "mlp_bias": "add_bias_linear",
        },
        derived={
            "kv_heads": lambda config: (
                config.get("multi_query_group_num") if config.get("multi_query_attention") else None
            )
        },
        only={"rmsnorm": (True,), "add_bias_linear": (False,)},
    ),
    "mistral": Architecture(keys={**LLAMA, **WINDOW}, absent={"kv_heads": 8, "window": 4096}),
    "ministral": Architecture(
        keys={**LLAMA, **WINDOW},
        absent={"kv_heads": 8, "window": 4096},
        derived={"layer_types": windows_where_listed},
    ),
    "qwen2": _QWEN2,
    "qwen2_vl": _QWEN2,
    "qwen2_vl_text": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen2_5_vl_text": _QWEN2,
    "qwen3": _QWEN3,
    "qwen3_vl_text": _QWEN3,
    "seed_oss": Architecture(
        keys={**LLAMA, "qkv_bias": "attention_bias", "output_bias": "attention_out_bias", "mlp_bias": "mlp_bias"},
        absent={"qkv_bias": True},
    ),
    "exaone4": Architecture(
        keys={**LLAMA, **WINDOW},
        absent={"window": 4096},
        always={"qk_norm": True},
        derived={"layer_types": windows_every(4)},
    ),
    "ernie4_5": Architecture(
        keys={**LLAMA, "qkv_bias": "use_bias", "output_bias": "use_bias", "mlp_bias": "use_bias"}, absent=TIED
    ),
    "hunyuan_v1_dense": Architecture(keys={**LLAMA, **ATTENTION_BIAS}, always={"qk_norm": True}),
    "glm": Architecture(keys={**LLAMA, "qkv_bias": "attention_bias"}, absent={"kv_heads": 2, "qkv_bias": True}),
    "glm4": _GLM4,
    "glm4v_text": _GLM4,
    "gemma": Architecture(keys={**LLAMA, **ATTENTION_BIAS}, absent={"kv_heads": 16, "head_width": 256, **TIED}),
    "gemma2": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, **WINDOW},
        absent={"kv_heads": 4, "head_width": 256, "window": 4096, **TIED},
        always={"norms": 4},
        derived={"layer_types": windows_every(2)},
    ),
    "gemma3_text": _GEMMA3,
    "vaultgemma": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, **WINDOW},
        absent={"kv_heads": 4, "head_width": 256, "window": 4096, **TIED},
        derived={"layer_types": windows_every(2)},
    ),
    "phi": Architecture(keys=LLAMA, always={**BIASES, **PLAIN, "head_bias": True, "norms": 1}, only=_NO_QK_NORM),
    "phi3": Architecture(keys={**LLAMA, **WINDOW}),
    "stablelm": Architecture(
        keys={**LLAMA, "qkv_bias": "use_qkv_bias"},
        absent={"kv_heads": 32},
        always={"norm_bias": True},
        derived={"norms": lambda config: 1 if config.get("use_parallel_residual") else 2},
        only=_NO_QK_NORM,
    ),
    "starcoder2": Architecture(
        keys={**LLAMA, **WINDOW, "qkv_bias": "use_bias", "output_bias": "use_bias", "mlp_bias": "use_bias"},
        absent={"kv_heads": 2, "qkv_bias": True, "output_bias": True, "mlp_bias": True, **TIED},
        always={**PLAIN, "norm_bias": True},
    ),
    "nemotron": Architecture(keys={**LLAMA, **LLAMA_BIAS}, always={**PLAIN, "norm_bias": True}),
    "apertus": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS},
        always={**PLAIN, "qk_norm": True},
        # The activation function, xIELU, learns two numbers.
        derived={"other_parameters": lambda config: times(2, config["num_hidden_layers"])},
    ),
    "bitnet": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS},
        # Norms before the output projections too, the MLP's as wide as that.
        always={"norms": 3},
        derived={"other_parameters": lambda config: times(config["num_hidden_layers"], config["intermediate_size"])},
    ),
    "olmo": Architecture(keys={**LLAMA, **ATTENTION_BIAS}, always={"norms": 0, "final_norm": False}),
    "olmo2": Architecture(keys={**LLAMA, **ATTENTION_BIAS}, always={"qk_norm": True, "qk_norm_shared": False}),
    "olmo3": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, **WINDOW},
        absent={"window": 4096},
        always={"qk_norm": True, "qk_norm_shared": False},
        derived={"layer_types": windows_every(4)},
    ),
    "cohere": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, "qk_norm": "use_qk_norm"},
        absent=TIED,
        always={"norms": 1, "qk_norm_shared": False},
    ),
    "cohere2": Architecture(
        keys={**LLAMA, **ATTENTION_BIAS, **WINDOW},
        absent={"window": 4096, **TIED},
        always={"norms": 1},
        derived={"layer_types": windows_every(4)},
    ),
    "gpt2": Architecture(
        keys={**GPT2, "positions": GPT2["context_tokens"]},
        absent=TIED,
        always={**BIASES, **PLAIN},
        derived={"ffn": four_times("n_embd", "n_inner")},
    ),
    "gpt_bigcode": Architecture(
        keys={**GPT2, "positions": GPT2["context_tokens"]},
        absent=TIED,
        always={**BIASES, **PLAIN},
        derived={
            "ffn": four_times("n_embd", "n_inner"),
            "kv_heads": lambda config: 1 if config.get("multi_query", True) else None,
        },
    ),
    "gpt_neo": Architecture(
        keys={
            **GPT2,
            "layers": "num_layers",
            "hidden": "hidden_size",
            "ffn": "intermediate_size",
            "heads": "num_heads",
            "context_tokens": "max_position_embeddings",
            "positions": "max_position_embeddings",
            "window": "window_size",
        },
        absent={"window": 256, **TIED},
        always={**PLAIN, "output_bias": True, "mlp_bias": True, "norm_bias": True},
        derived={
            "ffn": four_times("hidden_size", "intermediate_size"),
            "layer_types": gpt_neo_layer_types,
        },
    ),
    "gptj": Architecture(
        keys=GPT2,
        always={**PLAIN, "mlp_bias": True, "norm_bias": True, "head_bias": True, "norms": 1},
        derived={"ffn": four_times("n_embd", "n_inner")},
    ),
    "codegen": Architecture(
        keys=GPT2,
        always={**PLAIN, "mlp_bias": True, "norm_bias": True, "head_bias": True, "norms": 1},
        derived={"ffn": four_times("n_embd", "n_inner")},
    ),
    "gpt_neox": Architecture(
        keys={**NEOX, **ATTENTION_BIAS},
        absent={"qkv_bias": True, "output_bias": True},
        always={**PLAIN, "mlp_bias": True, "norm_bias": True},
    ),
    "opt": Architecture(
        keys={
            **NEOX,
            "ffn": "ffn_dim",
            "embedding_width": "word_embed_proj_dim",
            "qkv_bias": "enable_bias",
            "output_bias": "enable_bias",
            "mlp_bias": "enable_bias",
        },
        absent={"qkv_bias": True, "output_bias": True, "mlp_bias": True, **TIED},
        always={**PLAIN, "norm_bias": True},
        derived={
            # Its position embeddings keep two rows that no position uses.
            "positions": lambda config: config["max_position_embeddings"] + 2,
            "final_norm": lambda config: bool(
                config.get("do_layer_norm_before", True) and not config.get("_remove_final_layer_norm", False)
            ),
        },
        only={"layer_norm_elementwise_affine": (True,)},
    ),
    "bloom": Architecture(
        keys={**GPT2, "hidden": "n_embed or hidden_size", "ffn": "hidden_size", "context_tokens": "seq_length"},
        # ALiBi sets no bound; BLOOM was trained on sequences of 2,048 tokens (arXiv 2211.05100, table 3).
        absent={"context_tokens": 2048, **TIED},
        always={**BIASES, **PLAIN, "embedding_norm": True},
        derived={"ffn": lambda config: times(4, config.get("n_embed") or config["hidden_size"])},
    ),
    "falcon": Architecture(
        keys={
            **LLAMA,
            "ffn": "ffn_hidden_size",
            "kv_heads": "num_kv_heads",
            "qkv_bias": "bias",
            "output_bias": "bias",
            "mlp_bias": "bias",
        },
        absent={"context_tokens": 2048, **TIED},
        always={**PLAIN, "norm_bias": True},
        derived={
            "ffn": four_times("hidden_size", "ffn_hidden_size"),
            "kv_heads": falcon_kv_heads,
            "norms": falcon_norms,
        },
    ),
    "mpt": Architecture(
        keys={
            **GPT2,
            "layers": "n_layers",
            "hidden": "d_model",
            "ffn": "expansion_ratio",
            "heads": "n_heads",
            "context_tokens": "max_seq_len",
        },
        absent=TIED,
        always=PLAIN,
        derived={"ffn": mpt_ffn, "kv_heads": mpt_kv_heads, "positions": mpt_positions},
        only={"no_bias": (True,)},
    ),
}
