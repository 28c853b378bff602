"""Does every supported config.json come out as the shape that its authors meant?"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from planner.architectures import ARCHITECTURES
from planner.errors import ModelError
from planner.model_config import shape_from_config
from planner.models import load_preset

# The keys of each model's config.json that bear on its shape, by preset.
PRESETS: dict[str, dict[str, Any]] = {
    "llama-3.1-70b": {
        "model_type": "llama",
        "hidden_size": 8192,
        "intermediate_size": 28672,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "mlp_bias": False,
    },
    "llama-2-7b": {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "vocab_size": 32000,
        "max_position_embeddings": 4096,
    },
    "llama-3.2-1b": {
        "model_type": "llama",
        "head_dim": 64,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "tie_word_embeddings": True,
    },
    "mistral-7b-v0.1": {
        "model_type": "mistral",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 32000,
        "max_position_embeddings": 32768,
        "sliding_window": 4096,
        "tie_word_embeddings": False,
    },
    "mistral-nemo-12b": {
        "model_type": "mistral",
        "head_dim": 128,
        "hidden_size": 5120,
        "intermediate_size": 14336,
        "num_hidden_layers": 40,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 131072,
        "max_position_embeddings": 128000,
        "sliding_window": None,
        "tie_word_embeddings": False,
    },
    "mixtral-8x7b": {
        "model_type": "mixtral",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "vocab_size": 32000,
        "max_position_embeddings": 32768,
        "sliding_window": None,
        "tie_word_embeddings": False,
    },
    "qwen2.5-7b": {
        "model_type": "qwen2",
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "max_position_embeddings": 131072,
        "sliding_window": 131072,
        "use_sliding_window": False,
        "max_window_layers": 28,
        "tie_word_embeddings": False,
    },
    "qwen3-0.6b": {
        "model_type": "qwen3",
        "attention_bias": False,
        "head_dim": 128,
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "vocab_size": 151936,
        "max_position_embeddings": 40960,
        "sliding_window": None,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
    },
    "qwen3-235b-a22b": {
        "model_type": "qwen3_moe",
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "head_dim": 128,
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "moe_intermediate_size": 1536,
        "mlp_only_layers": [],
        "num_hidden_layers": 94,
        "num_attention_heads": 64,
        "num_key_value_heads": 4,
        "num_experts": 128,
        "num_experts_per_tok": 8,
        "vocab_size": 151936,
        "max_position_embeddings": 40960,
        "use_sliding_window": False,
        "tie_word_embeddings": False,
    },
    "gemma-2-9b": {
        "model_type": "gemma2",
        "head_dim": 256,
        "hidden_size": 3584,
        "intermediate_size": 14336,
        "num_hidden_layers": 42,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "vocab_size": 256000,
        "max_position_embeddings": 8192,
        "sliding_window": 4096,
    },
    "gpt2-xl": {
        "architectures": ["GPT2LMHeadModel"],
        "n_embd": 1600,
        "n_layer": 48,
        "n_head": 25,
        "n_positions": 1024,
        "vocab_size": 50257,
    },
    "opt-125m": {
        "model_type": "opt",
        "hidden_size": 768,
        "ffn_dim": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "vocab_size": 50272,
        "max_position_embeddings": 2048,
        "word_embed_proj_dim": 768,
        "do_layer_norm_before": True,
    },
    "opt-350m": {
        "model_type": "opt",
        "hidden_size": 1024,
        "ffn_dim": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "vocab_size": 50272,
        "max_position_embeddings": 2048,
        "word_embed_proj_dim": 512,
        "do_layer_norm_before": False,
    },
    "gpt-oss-20b": {
        "model_type": "gpt_oss",
        "attention_bias": True,
        "head_dim": 64,
        "hidden_size": 2880,
        "intermediate_size": 2880,
        "layer_types": ["sliding_attention", "full_attention"] * 12,
        "num_hidden_layers": 24,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "num_local_experts": 32,
        "num_experts_per_tok": 4,
        "vocab_size": 201088,
        "max_position_embeddings": 131072,
        "sliding_window": 128,
        "tie_word_embeddings": False,
    },
    "deepseek-v3": {
        "model_type": "deepseek_v3",
        "attention_bias": False,
        "first_k_dense_replace": 3,
        "hidden_size": 7168,
        "intermediate_size": 18432,
        "kv_lora_rank": 512,
        "max_position_embeddings": 163840,
        "moe_intermediate_size": 2048,
        "moe_layer_freq": 1,
        "n_routed_experts": 256,
        "n_shared_experts": 1,
        "num_attention_heads": 128,
        "num_experts_per_tok": 8,
        "num_hidden_layers": 61,
        "num_key_value_heads": 128,
        "num_nextn_predict_layers": 1,
        "q_lora_rank": 1536,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "tie_word_embeddings": False,
        "v_head_dim": 128,
        "vocab_size": 129280,
    },
    "llama-4-maverick": {
        "model_type": "llama4",
        "vision_config": {"hidden_size": 1408},
        "text_config": {
            "model_type": "llama4_text",
            "attention_bias": False,
            "attention_chunk_size": 8192,
            "head_dim": 128,
            "hidden_size": 5120,
            "interleave_moe_layer_step": 2,
            "intermediate_size": 8192,
            "intermediate_size_mlp": 16384,
            "max_position_embeddings": 1048576,
            "moe_layers": list(range(1, 48, 2)),
            "no_rope_layers": [1, 1, 1, 0] * 12,
            "num_attention_heads": 40,
            "num_experts_per_tok": 1,
            "num_hidden_layers": 48,
            "num_key_value_heads": 8,
            "num_local_experts": 128,
            "tie_word_embeddings": False,
            "vocab_size": 202048,
        },
    },
    "gemma-3-4b": {
        "model_type": "gemma3",
        "vision_config": {"hidden_size": 1152},
        "text_config": {
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "model_type": "gemma3_text",
            "num_hidden_layers": 34,
            "sliding_window": 1024,
        },
    },
    "phi-3.5-moe": {
        "model_type": "phimoe",
        "attention_bias": True,
        "hidden_size": 4096,
        "intermediate_size": 6400,
        "lm_head_bias": True,
        "max_position_embeddings": 131072,
        "num_attention_heads": 32,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 32,
        "num_key_value_heads": 8,
        "num_local_experts": 16,
        "sliding_window": 131072,
        "tie_word_embeddings": False,
        "vocab_size": 32064,
    },
    "falcon-h1-0.5b": {
        "model_type": "falcon_h1",
        "attention_bias": False,
        "head_dim": 64,
        "hidden_size": 1024,
        "intermediate_size": 2048,
        "mamba_conv_bias": True,
        "mamba_d_conv": 4,
        "mamba_d_head": 64,
        "mamba_d_ssm": 1536,
        "mamba_d_state": 128,
        "mamba_expand": 2,
        "mamba_n_groups": 1,
        "mamba_n_heads": 24,
        "mamba_proj_bias": False,
        "mamba_rms_norm": False,
        "max_position_embeddings": 16384,
        "mlp_bias": False,
        "num_attention_heads": 8,
        "num_hidden_layers": 36,
        "num_key_value_heads": 2,
        "projectors_bias": False,
        "tie_word_embeddings": False,
        "vocab_size": 32784,
    },
    "jamba-v0.1": {
        "model_type": "jamba",
        "attn_layer_offset": 4,
        "attn_layer_period": 8,
        "expert_layer_offset": 1,
        "expert_layer_period": 2,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "mamba_conv_bias": True,
        "mamba_d_conv": 4,
        "mamba_d_state": 16,
        "mamba_dt_rank": 256,
        "mamba_expand": 2,
        "mamba_proj_bias": False,
        "max_position_embeddings": 262144,
        "num_attention_heads": 32,
        "num_experts": 16,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
        "vocab_size": 65536,
    },
    "nemotron-nano-9b-v2": {
        "model_type": "nemotron_h",
        "conv_kernel": 4,
        "head_dim": 128,
        "hidden_size": 4480,
        "hybrid_override_pattern": "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
        "intermediate_size": 15680,
        "mamba_head_dim": 80,
        "mamba_num_heads": 128,
        "max_position_embeddings": 131072,
        "n_groups": 8,
        "num_attention_heads": 40,
        "num_hidden_layers": 56,
        "num_key_value_heads": 8,
        "ssm_state_size": 128,
        "tie_word_embeddings": False,
        "vocab_size": 131072,
    },
    "qwen3-next-80b-a3b": {
        "model_type": "qwen3_next",
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "full_attention_interval": 4,
        "head_dim": 256,
        "hidden_size": 2048,
        "intermediate_size": 5120,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 32,
        "linear_value_head_dim": 128,
        "max_position_embeddings": 262144,
        "mlp_only_layers": [],
        "moe_intermediate_size": 512,
        "num_attention_heads": 16,
        "num_experts": 512,
        "num_experts_per_tok": 10,
        "num_hidden_layers": 48,
        "num_key_value_heads": 2,
        "shared_expert_intermediate_size": 512,
        "tie_word_embeddings": False,
        "vocab_size": 151936,
    },
    "minimax-m1": {
        "model_type": "minimax_m1",
        "attn_type_list": [0, 0, 0, 0, 0, 0, 0, 1] * 10,
        "head_dim": 128,
        "hidden_size": 6144,
        "intermediate_size": 9216,
        "max_position_embeddings": 1024000,
        "num_attention_heads": 64,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 80,
        "num_key_value_heads": 8,
        "num_local_experts": 32,
        "shared_intermediate_size": 0,
        "tie_word_embeddings": False,
        "vocab_size": 200064,
    },
    "minimax-m2": {
        "model_type": "minimax_m2",
        "head_dim": 128,
        "hidden_size": 3072,
        "intermediate_size": 1536,
        "max_position_embeddings": 196608,
        "num_attention_heads": 48,
        "num_experts_per_tok": 8,
        "num_hidden_layers": 62,
        "num_key_value_heads": 8,
        "num_local_experts": 256,
        "qk_norm_type": "per_layer",
        "sliding_window": None,
        "tie_word_embeddings": False,
        "use_qk_norm": True,
        "use_routing_bias": True,
        "vocab_size": 200064,
    },
    "kimi-k2": {
        "model_type": "kimi_k2",
        "first_k_dense_replace": 1,
        "hidden_size": 7168,
        "intermediate_size": 18432,
        "kv_lora_rank": 512,
        "max_position_embeddings": 131072,
        "moe_intermediate_size": 2048,
        "moe_layer_freq": 1,
        "n_routed_experts": 384,
        "n_shared_experts": 1,
        "num_attention_heads": 64,
        "num_experts_per_tok": 8,
        "num_hidden_layers": 61,
        "num_key_value_heads": 64,
        "q_lora_rank": 1536,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "tie_word_embeddings": False,
        "v_head_dim": 128,
        "vocab_size": 163840,
    },
    "glm-4.6": {
        "model_type": "glm4_moe",
        "attention_bias": True,
        "first_k_dense_replace": 3,
        "head_dim": 128,
        "hidden_size": 5120,
        "intermediate_size": 12288,
        "max_position_embeddings": 202752,
        "moe_intermediate_size": 1536,
        "n_routed_experts": 160,
        "n_shared_experts": 1,
        "num_attention_heads": 96,
        "num_experts_per_tok": 8,
        "num_hidden_layers": 92,
        "num_key_value_heads": 8,
        "num_nextn_predict_layers": 1,
        "tie_word_embeddings": False,
        "use_qk_norm": True,
        "vocab_size": 151552,
    },
    "bert-large": {
        "architectures": ["BertForMaskedLM"],
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "max_position_embeddings": 512,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "position_embedding_type": "absolute",
        "type_vocab_size": 2,
        "vocab_size": 30522,
    },
    "esm2-15b": {
        "architectures": ["EsmForMaskedLM"],
        "model_type": "esm",
        "emb_layer_norm_before": False,
        "hidden_size": 5120,
        "intermediate_size": 20480,
        "is_folding_model": False,
        "max_position_embeddings": 1026,
        "num_attention_heads": 40,
        "num_hidden_layers": 48,
        "position_embedding_type": "rotary",
        "vocab_size": 33,
    },
    "flan-t5-xxl": {
        "architectures": ["T5ForConditionalGeneration"],
        "d_ff": 10240,
        "d_kv": 64,
        "d_model": 4096,
        "feed_forward_proj": "gated-gelu",
        "is_encoder_decoder": True,
        "model_type": "t5",
        "n_positions": 512,
        "num_decoder_layers": 24,
        "num_heads": 64,
        "num_layers": 24,
        "relative_attention_num_buckets": 32,
        "tie_word_embeddings": False,
        "vocab_size": 32128,
    },
}

# Models without a preset, and the parameters that Transformers 4.57 builds from the same config.json
# (from repositories of their own, as InternLM 2, Qwen 1 or DeepSeek MoE: those of the released weights).
COUNTED: dict[str, tuple[int, dict[str, Any]]] = {
    "pythia-14m": (
        14_067_712,
        {
            "model_type": "gpt_neox",
            "hidden_size": 128,
            "intermediate_size": 512,
            "num_hidden_layers": 6,
            "num_attention_heads": 4,
            "vocab_size": 50304,
            "max_position_embeddings": 2048,
            "tie_word_embeddings": False,
            "use_parallel_residual": True,
        },
    ),
    "gpt-j-6b": (
        6_050_882_784,
        {
            "model_type": "gptj",
            "n_embd": 4096,
            "n_layer": 28,
            "n_head": 16,
            "n_inner": None,
            "n_positions": 2048,
            "vocab_size": 50400,
            "tie_word_embeddings": False,
        },
    ),
    "bloom-560m": (
        559_214_592,
        {
            "model_type": "bloom",
            "n_embed": 1024,
            "n_layer": 24,
            "n_head": 16,
            "vocab_size": 250880,
            "seq_length": 2048,
        },
    ),
    "falcon-7b": (
        6_921_720_704,
        {
            "model_type": "falcon",
            "hidden_size": 4544,
            "num_hidden_layers": 32,
            "num_attention_heads": 71,
            "vocab_size": 65024,
            "bias": False,
            "multi_query": True,
            "new_decoder_architecture": False,
            "parallel_attn": True,
            "alibi": False,
        },
    ),
    "falcon-40b": (
        41_303_293_952,
        {
            "model_type": "falcon",
            "hidden_size": 8192,
            "num_hidden_layers": 60,
            "num_attention_heads": 128,
            "num_kv_heads": 8,
            "vocab_size": 65024,
            "bias": False,
            "multi_query": True,
            "new_decoder_architecture": True,
            "parallel_attn": True,
            "alibi": False,
        },
    ),
    "falcon-rw-1b": (
        1_311_625_216,
        {
            "model_type": "falcon",
            "hidden_size": 2048,
            "num_hidden_layers": 24,
            "num_attention_heads": 32,
            "vocab_size": 50304,
            "bias": True,
            "multi_query": False,
            "new_decoder_architecture": False,
            "parallel_attn": False,
            "alibi": True,
        },
    ),
    "phi-2": (
        2_779_683_840,
        {
            "model_type": "phi",
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "vocab_size": 51200,
            "max_position_embeddings": 2048,
            "tie_word_embeddings": False,
            "qk_layernorm": False,
        },
    ),
    "phi-3-mini-4k": (
        3_821_079_552,
        {
            "model_type": "phi3",
            "hidden_size": 3072,
            "intermediate_size": 8192,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "vocab_size": 32064,
            "max_position_embeddings": 4096,
            "sliding_window": 2047,
            "tie_word_embeddings": False,
        },
    ),
    "qwen1.5-moe-a2.7b": (
        14_315_784_192,
        {
            "model_type": "qwen2_moe",
            "hidden_size": 2048,
            "intermediate_size": 5632,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "vocab_size": 151936,
            "max_position_embeddings": 8192,
            "num_experts": 60,
            "num_experts_per_tok": 4,
            "moe_intermediate_size": 1408,
            "shared_expert_intermediate_size": 5632,
            "decoder_sparse_step": 1,
            "use_sliding_window": False,
            "sliding_window": 32768,
            "tie_word_embeddings": False,
        },
    ),
    "gemma-2b": (
        2_506_172_416,
        {
            "model_type": "gemma",
            "hidden_size": 2048,
            "intermediate_size": 16384,
            "num_hidden_layers": 18,
            "num_attention_heads": 8,
            "num_key_value_heads": 1,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
            "head_dim": 256,
        },
    ),
    "gemma-3-1b": (
        999_885_952,
        {
            "model_type": "gemma3_text",
            "hidden_size": 1152,
            "intermediate_size": 6912,
            "num_hidden_layers": 26,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "vocab_size": 262144,
            "max_position_embeddings": 32768,
            "head_dim": 256,
            "sliding_window": 512,
            "sliding_window_pattern": 6,
        },
    ),
    "deepseek-v2-lite": (
        15_706_484_224,
        {
            "model_type": "deepseek_v2",
            "hidden_size": 2048,
            "intermediate_size": 10944,
            "num_hidden_layers": 27,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "vocab_size": 102400,
            "max_position_embeddings": 163840,
            "q_lora_rank": None,
            "kv_lora_rank": 512,
            "qk_nope_head_dim": 128,
            "qk_rope_head_dim": 64,
            "v_head_dim": 128,
            "n_routed_experts": 64,
            "num_experts_per_tok": 6,
            "moe_intermediate_size": 1408,
            "n_shared_experts": 2,
            "first_k_dense_replace": 1,
            "moe_layer_freq": 1,
            "attention_bias": False,
            "tie_word_embeddings": False,
        },
    ),
    "stablelm-3b-4e1t": (
        2_795_443_200,
        {
            "model_type": "stablelm",
            "hidden_size": 2560,
            "intermediate_size": 6912,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "vocab_size": 50304,
            "max_position_embeddings": 4096,
            "tie_word_embeddings": False,
        },
    ),
    "olmo-1b": (
        1_176_764_416,
        {
            "model_type": "olmo",
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 16,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "vocab_size": 50304,
            "max_position_embeddings": 2048,
            "tie_word_embeddings": True,
            "attention_bias": False,
        },
    ),
    "olmo-2-7b": (
        7_298_617_344,
        {
            "model_type": "olmo2",
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "vocab_size": 100352,
            "max_position_embeddings": 4096,
            "tie_word_embeddings": False,
            "attention_bias": False,
        },
    ),
    "starcoder2-3b": (
        3_030_371_328,
        {
            "model_type": "starcoder2",
            "hidden_size": 3072,
            "intermediate_size": 12288,
            "num_hidden_layers": 30,
            "num_attention_heads": 24,
            "num_key_value_heads": 2,
            "vocab_size": 49152,
            "max_position_embeddings": 16384,
            "sliding_window": 4096,
            "use_bias": True,
        },
    ),
    "granite-3.0-2b": (
        2_533_531_648,
        {
            "model_type": "granite",
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 40,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 49155,
            "max_position_embeddings": 4096,
            "tie_word_embeddings": True,
            "attention_bias": False,
            "mlp_bias": False,
        },
    ),
    "command-r-35b": (
        34_980_831_232,
        {
            "model_type": "cohere",
            "hidden_size": 8192,
            "intermediate_size": 22528,
            "num_hidden_layers": 40,
            "num_attention_heads": 64,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
            "use_qk_norm": False,
        },
    ),
    "command-r-plus": (
        103_810_674_688,
        {
            "model_type": "cohere",
            "hidden_size": 12288,
            "intermediate_size": 33792,
            "num_hidden_layers": 64,
            "num_attention_heads": 96,
            "num_key_value_heads": 8,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
            "use_qk_norm": True,
        },
    ),
    "command-r7b": (
        8_028_033_024,
        {
            "model_type": "cohere2",
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
            "sliding_window": 4096,
            "sliding_window_pattern": 4,
        },
    ),
    "mpt-7b": (
        6_649_286_656,
        {
            "model_type": "mpt",
            "d_model": 4096,
            "n_layers": 32,
            "n_heads": 32,
            "expansion_ratio": 4,
            "vocab_size": 50432,
            "max_seq_len": 2048,
            "no_bias": True,
            "attn_config": {"alibi": True},
        },
    ),
    "starcoderbase-1b": (
        1_137_207_296,
        {
            "model_type": "gpt_bigcode",
            "n_embd": 2048,
            "n_layer": 24,
            "n_head": 16,
            "n_inner": 8192,
            "n_positions": 8192,
            "vocab_size": 49152,
            "multi_query": True,
        },
    ),
    "smollm3-3b": (
        3_075_098_624,
        {
            "model_type": "smollm3",
            "hidden_size": 2048,
            "intermediate_size": 11008,
            "num_hidden_layers": 36,
            "num_attention_heads": 16,
            "num_key_value_heads": 4,
            "vocab_size": 128256,
            "max_position_embeddings": 65536,
            "use_sliding_window": False,
            "sliding_window": None,
        },
    ),
    "internlm2-7b": (
        7_737_708_544,
        {
            "model_type": "internlm2",
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 92544,
            "max_position_embeddings": 32768,
            "bias": False,
            "tie_word_embeddings": False,
        },
    ),
    "falcon-mamba-7b": (
        7_272_665_088,
        {
            "model_type": "falcon_mamba",
            "conv_kernel": 4,
            "expand": 16,
            "hidden_size": 4096,
            "intermediate_size": 8192,
            "num_hidden_layers": 64,
            "state_size": 16,
            "tie_word_embeddings": False,
            "time_step_rank": 256,
            "use_bias": False,
            "use_conv_bias": True,
            "vocab_size": 65024,
        },
    ),
    "deepseek-moe-16b": (
        16_375_728_128,
        {
            "model_type": "deepseek",
            "hidden_size": 2048,
            "intermediate_size": 10944,
            "num_hidden_layers": 28,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "vocab_size": 102400,
            "max_position_embeddings": 4096,
            "n_routed_experts": 64,
            "n_shared_experts": 2,
            "num_experts_per_tok": 6,
            "moe_intermediate_size": 1408,
            "first_k_dense_replace": 1,
        },
    ),
    "minicpm-2b": (
        2_724_880_896,
        {
            "model_type": "minicpm",
            "hidden_size": 2304,
            "intermediate_size": 5760,
            "num_hidden_layers": 40,
            "num_attention_heads": 36,
            "num_key_value_heads": 36,
            "vocab_size": 122753,
            "max_position_embeddings": 4096,
        },
    ),
    # Counted by hand: Llama's blocks with a bias on all four projections.
    "internlm-7b": (
        2 * 103168 * 4096 + 32 * (4 * 4096 * 4096 + 4 * 4096 + 3 * 4096 * 11008 + 2 * 4096) + 4096,
        {
            "model_type": "internlm",
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "vocab_size": 103168,
            "max_position_embeddings": 2048,
            "bias": True,
            "tie_word_embeddings": False,
        },
    ),
    "qwen-7b": (
        7_721_324_544,
        {
            "model_type": "qwen",
            "hidden_size": 4096,
            "intermediate_size": 22016,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "vocab_size": 151936,
            "seq_length": 8192,
            "no_bias": True,
            "tie_word_embeddings": False,
        },
    ),
    "baichuan2-7b": (
        7_505_973_248,
        {
            "model_type": "baichuan",
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "vocab_size": 125696,
            "max_position_embeddings": 4096,
        },
    ),
    "chatglm2-6b": (
        6_243_584_000,
        {
            "model_type": "chatglm",
            "hidden_size": 4096,
            "ffn_hidden_size": 13696,
            "num_layers": 28,
            "num_attention_heads": 32,
            "kv_channels": 128,
            "multi_query_attention": True,
            "multi_query_group_num": 2,
            "padded_vocab_size": 65024,
            "seq_length": 32768,
            "add_qkv_bias": True,
            "add_bias_linear": False,
            "rmsnorm": True,
        },
    ),
}

LLAMA = PRESETS["llama-3.1-70b"]
EVERY_CONFIG = {**PRESETS, **{name: config for name, (_, config) in COUNTED.items()}}
# Small models of odd widths, with the parameters of those that Transformers 4.57.1 builds from them.
SMALL = json.loads(Path(__file__).with_name("counted_configs.json").read_text(encoding="utf-8"))
BY_KIND: dict[str, dict[str, Any]] = {each["config"]["model_type"]: each["config"] for each in SMALL}
# One kind under several names: what vision models call their language part, and copies in other repositories.
TWINS = {
    "glm4v_text": "glm4",
    "glm4v_moe_text": "glm4_moe",
    "minimax_text_01": "minimax",
    "qwen2_5_vl": "qwen2",
    "qwen2_5_vl_text": "qwen2",
    "qwen2_vl": "qwen2",
    "qwen2_vl_text": "qwen2",
    "qwen3_vl_text": "qwen3",
    "qwen3_vl_moe_text": "qwen3_moe",
}
JUNK: tuple[Any, ...] = (None, -1, 0, 1.5, "8", True, [], {}, [1], 10**30, float("inf"))


def write(folder: Path, content: Any) -> Path:
    path = folder / "config.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def findings(path: Path) -> tuple[str, ...]:
    with pytest.raises(ModelError) as caught:
        shape_from_config(path)
    return tuple(finding.removeprefix(f"{path}: ") for finding in caught.value.findings)


@pytest.mark.parametrize("preset", PRESETS)
def test_config_gives_the_shape_of_the_preset(preset: str, tmp_path: Path) -> None:
    """A preset's own config.json comes down to the very same shape."""
    shape = shape_from_config(write(tmp_path, PRESETS[preset]))
    assert dataclasses.replace(shape, name=preset, notes=()) == dataclasses.replace(load_preset(preset), notes=())


@pytest.mark.parametrize("name", COUNTED)
def test_config_gives_the_parameters_of_the_model(name: str, tmp_path: Path) -> None:
    """Every supported architecture is counted to the last parameter."""
    parameters, config = COUNTED[name]
    assert shape_from_config(write(tmp_path, config)).parameters == parameters


@pytest.mark.parametrize(
    "counted", SMALL, ids=[f"{number}-{each['config']['model_type']}" for number, each in enumerate(SMALL)]
)
def test_odd_widths_are_counted_too(counted: dict[str, Any], tmp_path: Path) -> None:
    """Whatever its widths, biases and patterns, a model has the parameters that Transformers builds."""
    assert shape_from_config(write(tmp_path, counted["config"])).parameters == counted["parameters"]


def test_every_architecture_is_checked() -> None:
    """No architecture is offered whose count is not checked here."""
    configs = [*EVERY_CONFIG.values(), *(each["config"] for each in SMALL)]
    named = {
        part["model_type"]
        for config in configs
        for part in (config, config.get("text_config", {}))
        if "model_type" in part
    }
    for name, twin in TWINS.items():
        assert ARCHITECTURES[name] is ARCHITECTURES[twin]
    assert (named & set(ARCHITECTURES)) | {"gpt2"} | set(TWINS) == set(ARCHITECTURES)


def test_name_is_that_of_the_folder_or_the_file(tmp_path: Path) -> None:
    """A shape is called after its file, or after its folder where the file is only called config.json."""
    folder = tmp_path / "my-model"
    folder.mkdir()
    assert shape_from_config(write(folder, LLAMA)).name == "my-model"
    other = write(folder, LLAMA).rename(folder / "other.json")
    assert shape_from_config(other).name == "other"


@pytest.mark.parametrize(
    ("config", "runs"),
    [
        (PRESETS["gemma-2-9b"], [(21, 4096), (21, 0)]),
        ({**PRESETS["gemma-2-9b"], "layer_types": ["sliding_attention"] * 42}, [(42, 4096)]),
        ({**PRESETS["gemma-2-9b"], "layer_types": ["full_attention"] * 42}, [(42, 0)]),
        (
            {**PRESETS["gemma-2-9b"], "layer_types": ["full_attention", *["sliding_attention"] * 41]},
            [(1, 0), (41, 4096)],
        ),
        (COUNTED["gemma-3-1b"][1], [(22, 512), (4, 0)]),
        (COUNTED["command-r7b"][1], [(24, 4096), (8, 0)]),
        (PRESETS["mistral-7b-v0.1"], [(32, 4096)]),
        (PRESETS["mistral-nemo-12b"], [(40, 0)]),
        ({k: v for k, v in PRESETS["mistral-nemo-12b"].items() if k != "sliding_window"}, [(40, 4096)]),
        (PRESETS["qwen2.5-7b"], [(28, 0)]),
        (
            {**PRESETS["qwen2.5-7b"], "use_sliding_window": True, "max_window_layers": 20},
            [(20, 0), (8, 131072)],
        ),
    ],
)
def test_windows_follow_the_config(config: dict[str, Any], runs: list[tuple[int, int]], tmp_path: Path) -> None:
    """Blocks get the attention window that Transformers would give them, and null means none."""
    shape = shape_from_config(write(tmp_path, config))
    assert [(run.count, run.attention.window) for run in shape.blocks] == runs


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hidden_size": None}, ["`hidden_size` is missing"]),
        ({"num_attention_heads": "64"}, ["`num_attention_heads` is '64': should be a valid integer"]),
        ({"num_attention_heads": True}, ["`num_attention_heads` is True: should be a valid integer"]),
        ({"hidden_size": 8192.5}, ["`hidden_size` is 8192.5: should be a valid integer"]),
        (
            {"vocab_size": -1, "num_hidden_layers": 0},
            [
                "`num_hidden_layers` is 0: should be greater than or equal to 1",
                "`vocab_size` is -1: should be greater than or equal to 1",
            ],
        ),
        (
            {"intermediate_size": 10**30},
            [f"`intermediate_size` is {10**30}: should be less than or equal to 10000000"],
        ),
        ({"tie_word_embeddings": "no"}, ["`tie_word_embeddings` is 'no': should be a valid boolean"]),
        (
            {"num_key_value_heads": 12},
            ["`num_key_value_heads` is 12: 64 query heads cannot share 12 key and value heads evenly"],
        ),
        (
            {"num_attention_heads": 60, "num_key_value_heads": 6, "vocab_size": None},
            [
                "`head_dim` is missing: a width of 8192 does not divide into 60 heads; name the heads' width",
                "`vocab_size` is missing",
            ],
        ),
    ],
)
def test_wrong_values_are_all_named(changes: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    """Whatever is missing, of the wrong kind, out of bounds or at odds is named by its key, all at once."""
    config = {key: value for key, value in {**LLAMA, **changes}.items() if value is not None}
    assert list(findings(write(tmp_path, config))) == expected


@pytest.mark.parametrize(
    ("preset", "changes", "expected"),
    [
        ("mixtral-8x7b", {"num_local_experts": None}, "`num_local_experts` is missing"),
        (
            "mixtral-8x7b",
            {"num_experts_per_tok": 9},
            "`num_experts_per_tok` is 9: a token is sent to 9 of 8 experts",
        ),
        ("deepseek-v3", {"qk_rope_head_dim": None}, "`qk_rope_head_dim` is missing"),
        (
            "deepseek-v3",
            {"first_k_dense_replace": 62},
            "`first_k_dense_replace` is 62: 62 dense blocks of 61 make sense only in a mixture of experts",
        ),
        (
            "qwen3-235b-a22b",
            {"mlp_only_layers": [0]},
            "`mlp_only_layers` is [0]; Berth can count qwen3_moe models only where it is []; "
            "write the shape into the workload instead",
        ),
        (
            "gemma-2-9b",
            {"layer_types": ["full_attention", "sliding_attention", "sliding_attention"]},
            "`layer_types` tells of 3 blocks, and there are 42",
        ),
        (
            "gemma-2-9b",
            {"layer_types": ["sparse_attention"] * 42},
            "`layer_types` has 'sparse_attention'; Berth knows 'full_attention', 'attention', 'sliding_attention', "
            "'chunked_attention', 'linear_attention', 'mamba', 'conv'",
        ),
        (
            "nemotron-nano-9b-v2",
            {"hybrid_override_pattern": "ME" * 28},
            "`hybrid_override_pattern` has 'E'; Berth knows 'M', '*', '-'",
        ),
        (
            "jamba-v0.1",
            {"attn_layer_offset": 8},
            "`attn_layer_offset` is 8, beyond `attn_layer_period` 8",
        ),
        (
            "bert-large",
            {"is_decoder": True},
            "`is_decoder` is true; Berth can count bert models only where it is false; "
            "write the shape into the workload instead",
        ),
        ("minimax-m1", {"attn_type_list": None}, "`attn_type_list` is missing"),
        (
            "flan-t5-xxl",
            {"architectures": ["T5EncoderModel"]},
            "`architectures` names the encoder alone, which Berth cannot count",
        ),
        ("flan-t5-xxl", {"feed_forward_proj": 1}, "`feed_forward_proj` must be text"),
        ("gemma-2-9b", {"layer_types": 5}, "`layer_types` must be a list"),
        ("gpt2-xl", {"n_embd": "1600"}, "`n_embd` is '1600': should be a valid integer"),
        ("mpt-7b", {"attn_config": "alibi"}, "`attn_config` must be an object"),
        ("mpt-7b", {"expansion_ratio": "4"}, "`expansion_ratio` is '4': should be a valid integer"),
    ],
)
def test_each_architecture_names_what_it_cannot_use(
    preset: str, changes: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    """What one architecture needs, or has beyond what Berth can count, is said in one finding."""
    assert findings(write(tmp_path, {**EVERY_CONFIG[preset], **changes})) == (expected,)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ":1: not valid JSON: Expecting value"),
        ('{"a": 1,\n "b": }', ":2: not valid JSON: Expecting value"),
        ("[" * 100_000, ": not valid JSON: a number or a nesting is beyond bounds"),
        ('{"vocab_size": ' + "9" * 5_000 + "}", ": not valid JSON: a number or a nesting is beyond bounds"),
        ("[1, 2]", ": a config.json holds one JSON object, not a list"),
        (" " * 1_048_577, ": the file has 1.0 MiB; a config.json has at most 1.0 MiB"),
    ],
)
def test_files_that_are_no_config_are_refused(content: str, expected: str, tmp_path: Path) -> None:
    """A file that is no JSON object of sensible size is refused with the place where it goes wrong."""
    path = write(tmp_path, content)
    with pytest.raises(ModelError) as caught:
        shape_from_config(path)
    assert str(caught.value) == f"{path}{expected}"


def test_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder and bytes that are no text are told apart."""
    assert findings(tmp_path / "config.json") == ("no such file",)
    assert findings(tmp_path) == ("is not a file",)
    (tmp_path / "config.json").write_bytes(b'{"a": "\xff"}')
    assert findings(tmp_path / "config.json") == ("the file is not UTF-8 text (byte 7)",)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"model_type": "albert"}, '"albert"'),
        ({"architectures": ["Blip2ForConditionalGeneration"]}, '"Blip2ForConditionalGeneration"'),
        ({"model_type": "flava", "text_config": {"model_type": "flava_text_model"}}, '"flava_text_model"'),
        ({"model_type": ["llama"]}, '["llama"]'),
        ({}, "null"),
    ],
)
def test_unknown_architectures_are_refused(config: dict[str, Any], named: str, tmp_path: Path) -> None:
    """An architecture that Berth cannot count is named, with those that it can."""
    supported = ", ".join(sorted(ARCHITECTURES))
    expected = f"the architecture {named} is not supported; supported are {supported}"
    assert findings(write(tmp_path, config)) == (expected,)


@pytest.mark.parametrize(
    ("config", "notes"),
    [
        (LLAMA, ()),
        (
            {"model_type": "llava", "text_config": LLAMA, "vision_config": {"hidden_size": 1024}},
            ("Only the language model is planned for: vision_config (towers and projectors) are left out.",),
        ),
        (PRESETS["glm-4.6"], ("Its 1 multi-token prediction layer is left out.",)),
        (
            {**PRESETS["gpt-oss-20b"], "quantization_config": {"quant_method": "mxfp4"}},
            ("Its weights are released in mxfp4; their precision here is what the techniques say.",),
        ),
    ],
)
def test_what_is_left_out_is_said(config: dict[str, Any], notes: tuple[str, ...], tmp_path: Path) -> None:
    """A shape tells what its config.json has beyond it: towers, prediction layers, packed weights."""
    assert shape_from_config(write(tmp_path, config)).notes == notes


def test_a_joint_model_is_planned_for_as_its_language_model(tmp_path: Path) -> None:
    """The language part is the one that the joint model's name says, and ties its embeddings as that says."""
    untold = ("model_type", "tie_word_embeddings")
    part = {key: value for key, value in PRESETS["qwen3-0.6b"].items() if key not in untold}
    joint = {"model_type": "qwen3_vl", "tie_word_embeddings": True, "text_config": part}
    shape = shape_from_config(write(tmp_path, joint))
    assert dataclasses.replace(shape, name="qwen3-0.6b") == load_preset("qwen3-0.6b")


def test_a_joint_model_may_keep_all_in_its_language_part(tmp_path: Path) -> None:
    """Newer files of a joint model that was flat before have its figures in `text_config` alone."""
    joint = {"model_type": "qwen2_5_vl", "text_config": {**PRESETS["qwen2.5-7b"], "model_type": "qwen2_5_vl_text"}}
    shape = shape_from_config(write(tmp_path, joint))
    assert dataclasses.replace(shape, name="qwen2.5-7b") == load_preset("qwen2.5-7b")


@pytest.mark.parametrize(
    ("task", "head"),
    [
        ("LlamaForCausalLM", True),
        ("LlamaForSequenceClassification", False),
        ("LlamaForTokenClassification", False),
        ("LlamaModel", False),
        (None, True),
    ],
)
def test_a_decoder_has_the_head_of_its_task(task: str | None, head: bool, tmp_path: Path) -> None:
    """A classifier or a bare model has no logits over the vocabulary, and no weights for them."""
    shape = shape_from_config(write(tmp_path, {**LLAMA, "architectures": [task] if task else None}))
    whole = load_preset("llama-3.1-70b")
    assert shape.head is head
    assert whole.parameters - shape.parameters == (0 if head else 128256 * 8192)


@pytest.mark.parametrize(
    ("task", "head", "pooler"),
    [
        ("BertForMaskedLM", True, False),
        ("BertForPreTraining", True, True),
        ("BertModel", False, True),
        ("BertForSequenceClassification", False, True),
        ("BertForTokenClassification", False, False),
    ],
)
def test_an_encoder_has_the_head_of_its_task(task: str, head: bool, pooler: bool, tmp_path: Path) -> None:
    """Which class a config.json names decides whether each token has logits and whether the first is pooled."""
    shape = shape_from_config(write(tmp_path, {**PRESETS["bert-large"], "architectures": [task]}))
    assert (shape.head, shape.pooler) == (head, pooler)
    assert shape.logits_width == (30522 if head else 0)


@pytest.mark.parametrize("config", [*EVERY_CONFIG.values(), *BY_KIND.values()], ids=[*EVERY_CONFIG, *BY_KIND])
def test_no_value_breaks_the_reader(config: dict[str, Any], tmp_path: Path) -> None:
    """Whatever stands under a key, the answer is a shape or findings, never a traceback."""
    for key in config:
        for junk in JUNK:
            try:
                shape = shape_from_config(write(tmp_path, {**config, key: junk}))
            except ModelError as error:
                assert error.findings
            else:
                assert shape.parameters > 0
