"""How do encoders, alone or before a decoder, spell their shape?

Keys, defaults and which layers carry biases and norms: Transformers 4.57. Which head stands on an encoder is
told by the class under `architectures`; a classifier's few weights are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.architecture import Architecture, Config, times
from planner.architectures.layer_types import blocks_in, whole
from planner.architectures.spelling import BIASES, LLAMA, NEOX, PLAIN, TIED

_POST_NORM = {**BIASES, **PLAIN, "causal": False, "final_norm": False, "embedding_norm": True}
_NOT_A_DECODER = {"is_decoder": (False,), "add_cross_attention": (False,)}
_ABSOLUTE = {"position_embedding_type": ("absolute",)}


def _task(config: Config) -> str:
    classes = config.get("architectures")
    name = classes[0] if isinstance(classes, list) and classes else ""
    return name if isinstance(name, str) else ""


def _masked(config: Config) -> bool:
    """Whether the class predicts masked tokens: what an encoder is pretrained on, so also where none is named."""
    return not _task(config) or "ForMaskedLM" in _task(config) or "ForPreTraining" in _task(config)


def _pooled(config: Config) -> bool:
    return any(word in _task(config) for word in ("Model", "ForPreTraining", "ForSequence", "ForMultiple"))


def _next_sentence(config: Config) -> Any:
    """BERT's classifier of sentence pairs: two logits."""
    return times(2, config["hidden_size"]) + 2 if "ForPreTraining" in _task(config) else 0


def _contacts(config: Config) -> Any:
    """ESM's regression from attention maps to contacts: one weight per head and block."""
    return times(config["num_hidden_layers"], config["num_attention_heads"]) + 1


_MASKED_HEAD: Mapping[str, Callable[[Config], Any]] = {"output_head": _masked, "head_transform": _masked}
_BERT_HEADS = {**_MASKED_HEAD, "head_bias": _masked, "pooler": _pooled}
_ROBERTA = Architecture(
    keys={**NEOX, "token_types": "type_vocab_size", "positions": "max_position_embeddings"},
    absent={"token_types": 2, **TIED},
    always=_POST_NORM,
    # Sequence classification has a dense layer of its own in place of the pooler.
    derived=_BERT_HEADS,
    only={**_NOT_A_DECODER, **_ABSOLUTE},
)


def _electra_ends(config: Config) -> Any:
    """ELECTRA's positions, types and norm, as wide as its embeddings, the way up, and the discriminator's head."""
    hidden = times(1, config["hidden_size"])
    width = whole(config, "embedding_size", 128, 1)
    rows = times(1, config["max_position_embeddings"]) + whole(config, "type_vocab_size", 2)
    head = hidden * hidden + hidden + hidden + 1 if "ForPreTraining" in _task(config) else 0
    return rows * width + 2 * width + (hidden if width != hidden else 0) + head


def _electra_head(config: Config) -> Any:
    if "ForMaskedLM" in _task(config):
        raise ValueError("`architectures` names ELECTRA's generator; Berth can count its discriminator")
    return False


def _deberta_table(config: Config) -> Any:
    """DeBERTa's table of relative positions, both ways, and its norm."""
    if config.get("relative_attention") is not True:
        return 0
    most = whole(config, "max_position_embeddings", 512, 1)
    buckets = config.get("position_buckets")
    rows = whole(config, "position_buckets", 256) if isinstance(buckets, int) and buckets > 0 else most
    norm = 2 * times(1, config["hidden_size"]) * ("layer_norm" in str(config.get("norm_rel_ebd", "none")))
    return 2 * rows * times(1, config["hidden_size"]) + norm


def _modernbert_types(config: Config) -> Any:
    period = min(whole(config, "global_attn_every_n_layers", 3, 1), 10_000)
    return ("full", *["window"] * (period - 1))


def _bart_layers(config: Config) -> Any:
    for key in ("ffn_dim", "attention_heads"):
        if config[f"encoder_{key}"] != config[f"decoder_{key}"]:
            raise ValueError(f"`encoder_{key}` and `decoder_{key}` differ, which Berth cannot count")
    return config["decoder_layers"]


def _decoder_layers(config: Config) -> Any:
    if "Encoder" in _task(config):
        raise ValueError("`architectures` names the encoder alone, which Berth cannot count")
    return config["num_layers"] if config.get("num_decoder_layers") is None else config["num_decoder_layers"]


def _gated(absent: str) -> Callable[[Config], Any]:
    """T5's first release has a plain MLP with ReLU, 1.1 and FLAN a gated one."""

    def read(config: Config) -> Any:
        kind = config.get("feed_forward_proj", absent)
        if not isinstance(kind, str):
            raise ValueError("`feed_forward_proj` must be text")
        return kind.startswith("gated-")

    return read


def _tables_everywhere(config: Config) -> Any:
    """UMT5 has a table of relative positions in each block."""
    layers = blocks_in(config, "num_layers")
    if _decoder_layers(config) != layers:
        raise ValueError("`num_decoder_layers` differs from `num_layers`, which Berth cannot count")
    return layers * whole(config, "relative_attention_num_buckets", 32)


_T5 = Architecture(
    keys={
        "layers": "num_decoder_layers",
        "encoder_layers": "num_layers",
        "hidden": "d_model",
        "ffn": "d_ff",
        "heads": "num_heads",
        "head_width": "d_kv",
        "vocab": "vocab_size",
        "relative_buckets": "relative_attention_num_buckets",
        "context_tokens": "n_positions",
        "tied_embeddings": "tie_word_embeddings",
    },
    # T5 was trained on 512 tokens; relative positions set no bound (Raffel et al. 2020, section 3.1.2).
    absent={"relative_buckets": 32, "context_tokens": 512, **TIED},
    needs=("encoder_layers",),
    derived={"layers": _decoder_layers, "gated": _gated("relu")},
    only={"is_encoder_decoder": (True,)},
)
_MT5_ABSENT = {field: value for field, value in _T5.absent.items() if field not in TIED}
_BART = Architecture(
    keys={
        "layers": "decoder_layers",
        "encoder_layers": "encoder_layers",
        "hidden": "d_model",
        "ffn": "decoder_ffn_dim",
        "heads": "decoder_attention_heads",
        "vocab": "vocab_size",
        "context_tokens": "max_position_embeddings",
        "tied_embeddings": "tie_word_embeddings",
    },
    absent=TIED,
    always={**BIASES, **PLAIN, "embedding_norm": True, "final_norm": False},
    needs=("encoder_layers",),
    derived={
        "layers": _bart_layers,
        # Position embeddings keep two rows that no position uses.
        "positions": lambda config: times(1, config["max_position_embeddings"]) + 2,
    },
    only={"is_encoder_decoder": (True,)},
)

_SINUSOIDAL = {**_BART.always, "embedding_norm": False}

ENCODER: Mapping[str, Architecture] = {
    "bert": Architecture(
        keys={**NEOX, "token_types": "type_vocab_size", "positions": "max_position_embeddings"},
        absent={"token_types": 2, **TIED},
        always=_POST_NORM,
        derived={**_BERT_HEADS, "other_parameters": _next_sentence},
        only={**_NOT_A_DECODER, **_ABSOLUTE},
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "distilbert": Architecture(
        keys={
            "layers": "n_layers",
            "hidden": "dim",
            "ffn": "hidden_dim",
            "heads": "n_heads",
            "vocab": "vocab_size",
            "context_tokens": "max_position_embeddings",
            "positions": "max_position_embeddings",
            "tied_embeddings": "tie_word_embeddings",
        },
        absent=TIED,
        always=_POST_NORM,
        derived={**_MASKED_HEAD, "head_bias": _masked},
    ),
    "modernbert": Architecture(
        keys={**LLAMA, "qkv_bias": "attention_bias", "output_bias": "attention_bias", "window": "local_attention"},
        absent={"window": 128, **TIED},
        # The first block has no norm before its attention: the embedding's stands in its place.
        always={"causal": False},
        derived={**_MASKED_HEAD, "head_bias": _masked, "layer_types": _modernbert_types},
        only={"norm_bias": (False,), "mlp_bias": (False,), "classifier_bias": (False,), "decoder_bias": (True,)},
    ),
    "esm": Architecture(
        keys={**NEOX, "embedding_norm": "emb_layer_norm_before"},
        absent={"context_tokens": 1026, **TIED},
        always={**BIASES, **PLAIN, "causal": False},
        derived={
            **_MASKED_HEAD,
            "head_bias": _masked,
            "pooler": lambda config: _task(config).endswith("Model"),
            "positions": lambda config: (
                config.get("max_position_embeddings", 1026)
                if config.get("position_embedding_type", "absolute") == "absolute"
                else 0
            ),
            "other_parameters": _contacts,
        },
        only={
            **_NOT_A_DECODER,
            "is_folding_model": (False,),
            "position_embedding_type": ("rotary", "absolute"),
        },
    ),
    "t5": _T5,
    "mt5": Architecture(
        keys=_T5.keys,
        absent=_MT5_ABSENT,
        needs=_T5.needs,
        derived={**_T5.derived, "gated": _gated("gated-gelu")},
        only=_T5.only,
    ),
    "umt5": Architecture(
        keys=_T5.keys,
        absent=_T5.absent,
        needs=_T5.needs,
        derived={**_T5.derived, "gated": _gated("gated-gelu"), "relative_buckets": _tables_everywhere},
        only=_T5.only,
    ),
    "bart": _BART,
    "mbart": Architecture(
        keys=_BART.keys,
        absent=_BART.absent,
        always={**_BART.always, "final_norm": True},
        needs=_BART.needs,
        derived=_BART.derived,
        only=_BART.only,
    ),
    "pegasus": Architecture(
        keys=_BART.keys,
        absent=_BART.absent,
        always={**_SINUSOIDAL, "final_norm": True},
        needs=_BART.needs,
        # Its sinusoids are kept as weights.
        derived={"layers": _bart_layers, "positions": lambda config: config["max_position_embeddings"]},
        only=_BART.only,
    ),
    "marian": Architecture(
        keys=_BART.keys,
        absent=_BART.absent,
        always=_SINUSOIDAL,
        needs=_BART.needs,
        derived={"layers": _bart_layers, "positions": lambda config: config["max_position_embeddings"]},
        only={**_BART.only, "share_encoder_decoder_embeddings": (True,)},
    ),
    "m2m_100": Architecture(
        keys=_BART.keys,
        absent=_BART.absent,
        always={**_SINUSOIDAL, "final_norm": True},
        needs=_BART.needs,
        derived={"layers": _bart_layers},
        only=_BART.only,
    ),
    "mpnet": Architecture(
        keys={**NEOX, "positions": "max_position_embeddings", "relative_buckets": "relative_attention_num_buckets"},
        absent={"relative_buckets": 32, **TIED},
        always=_POST_NORM,
        derived={**_MASKED_HEAD, "head_bias": _masked, "pooler": lambda config: _task(config).endswith("Model")},
    ),
    "deberta-v2": Architecture(
        keys={**NEOX, "token_types": "type_vocab_size"},
        absent=TIED,
        always=_POST_NORM,
        derived={
            **_MASKED_HEAD,
            "head_bias": _masked,
            "pooler": lambda config: "ForSequence" in _task(config),
            "positions": lambda config: (
                config["max_position_embeddings"] if config.get("position_biased_input", True) else 0
            ),
            "other_parameters": _deberta_table,
        },
        only={"share_att_key": (True,), "conv_kernel_size": (0,), "legacy": (True,)},
    ),
    "electra": Architecture(
        keys={**NEOX, "embedding_width": "embedding_size"},
        absent={"embedding_width": 128, **TIED},
        always={**_POST_NORM, "embedding_norm": False},
        derived={"output_head": _electra_head, "other_parameters": _electra_ends},
        only={**_NOT_A_DECODER, **_ABSOLUTE},
    ),
}
