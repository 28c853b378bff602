"""Which keys do many architectures share?"""

from __future__ import annotations

LLAMA = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "ffn": "intermediate_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_width": "head_dim",
    "vocab": "vocab_size",
    "context_tokens": "max_position_embeddings",
    "tied_embeddings": "tie_word_embeddings",
}
# These know neither grouped heads nor a head width of their own.
NEOX = {field: key for field, key in LLAMA.items() if field not in ("kv_heads", "head_width")}
GPT2 = {
    "layers": "n_layer",
    "hidden": "n_embd",
    "ffn": "n_inner",
    "heads": "n_head",
    "vocab": "vocab_size",
    "context_tokens": "n_positions",
    "tied_embeddings": "tie_word_embeddings",
}
ATTENTION_BIAS = {"qkv_bias": "attention_bias", "output_bias": "attention_bias"}
LLAMA_BIAS = {**ATTENTION_BIAS, "mlp_bias": "mlp_bias"}
WINDOW = {"window": "sliding_window"}
EXPERTS = {"experts": "num_local_experts", "experts_per_token": "num_experts_per_tok"}
QWEN_EXPERTS = {
    "experts": "num_experts",
    "experts_per_token": "num_experts_per_tok",
    "expert_ffn": "moe_intermediate_size",
    "experts_every": "decoder_sparse_step",
}
DEEPSEEK_EXPERTS = {
    "experts": "n_routed_experts",
    "experts_per_token": "num_experts_per_tok",
    "expert_ffn": "moe_intermediate_size",
    "shared_experts": "n_shared_experts",
    "dense_layers": "first_k_dense_replace",
}
LATENT = {
    "query_rank": "q_lora_rank",
    "kv_rank": "kv_lora_rank",
    "nope_width": "qk_nope_head_dim",
    "rope_width": "qk_rope_head_dim",
    "value_width": "v_head_dim",
    **DEEPSEEK_EXPERTS,
}
MOE = ("experts", "experts_per_token")
MLA_MOE = ("kv_rank", "nope_width", "rope_width", "value_width", "expert_ffn", *MOE)
BIASES = {"qkv_bias": True, "output_bias": True, "mlp_bias": True, "norm_bias": True}
TIED = {"tied_embeddings": True}
PLAIN = {"gated": False}
