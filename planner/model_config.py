"""Which shape does a Hugging Face config.json describe?

Reads untrusted files: size is bounded, and every value is checked. What the count leaves out (vision towers,
multi-token prediction layers) is said in the shape's notes, and what Berth does not know is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planner.architecture import Architecture, Config
from planner.architectures import ARCHITECTURES
from planner.errors import ModelError
from planner.inline_shape import InlineShape
from planner.shape import ModelShape
from pricing.units import MIB, show_bytes
from pricing.wording import close_match

# Under which key a joint model keeps its language model, and of which kind that is where it does not say.
_LANGUAGE_PARTS = ("text_config", "llm_config", "language_config")
_JOINT_MODELS = {
    "gemma3": "gemma3_text",
    "llama4": "llama4_text",
    "mistral3": "mistral",
    "qwen2_vl": "qwen2_vl_text",
    "qwen2_5_vl": "qwen2_5_vl_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
    "glm4v": "glm4v_text",
    "glm4v_moe": "glm4v_moe_text",
}
_SHARED_KEYS = ("tie_word_embeddings",)
_SENSES = ("vision", "audio", "speech", "image", "video")
# A config.json is some pages of text; beyond this it is weights or something else.
LARGEST_FILE_BYTES = 1 * MIB
# Comparing names costs the product of their lengths.
_LONGEST_NAME = 60


def shape_from_config(path: Path) -> ModelShape:
    """The shape of the model that a config.json describes, named after its folder or file.

    Raises ModelError with all findings: a file that cannot be read or is no JSON object, an architecture that
    Berth cannot count, keys that are missing, out of bounds or contradict each other.
    """
    whole = _read(path)
    config = _language_part(whole)
    kind = _architecture_name(path, config)
    architecture = ARCHITECTURES[kind]
    findings = [f"{path}: {finding}" for finding in _beyond_count(kind, architecture, config)]
    fields, failures = _fields(architecture, config)
    findings += [f"{path}: {failure}" for failure in dict.fromkeys(failures)]
    fields |= {"drafting_blocks": extra} if (extra := _drafting_blocks(config)) else {}
    try:
        described = InlineShape.checked(fields, str(path), architecture.keys)
    except ModelError as error:
        findings += error.findings
    if findings:
        raise ModelError(findings)
    name = path.parent.name if path.stem == "config" else path.stem
    return described.to_shape(name, tuple(_notes(whole, config)))


def _language_part(config: Config) -> Config:
    """The config of the language model in a joint model's; else the config itself.

    Without a `model_type` of its own the part is the one that the joint model's name says.
    """
    part = next((config[key] for key in _LANGUAGE_PARTS if isinstance(config.get(key), dict)), None)
    if part is None or (str(config.get("model_type")) in ARCHITECTURES and "hidden_size" in config):
        return config
    shared = {key: config[key] for key in _SHARED_KEYS if key in config}
    kind = _JOINT_MODELS.get(str(config.get("model_type")))
    return {**shared, **({"model_type": kind} if kind else {}), **part}


def _notes(whole: Config, config: Config) -> Iterator[str]:
    """What a reader should know of the count."""
    others = [key for key in whole if key.endswith("_config") and key.partition("_")[0] in _SENSES and whole[key]]
    if others:
        yield f"Only the language model is planned for: {' and '.join(others)} (towers and projectors) are left out."
    extra = _drafting_blocks(config)
    if extra:
        yield f"Its {extra} multi-token prediction layer{'s are' if extra > 1 else ' is'} left out."
    packed = config.get("quantization_config") or whole.get("quantization_config")
    if isinstance(packed, dict):
        method = f"{packed.get('quant_method', 'a quantized form')!s:.40}"
        yield f"Its weights are released in {method}; their precision here is what the techniques say."


def _drafting_blocks(config: Config) -> int:
    """Blocks for multi-token prediction, as DeepSeek and GLM, MiniMax and Qwen call them."""
    if config.get("model_type") == "qwen3_next":
        return 1  # Its released weights hold one (vLLM's qwen3_next_mtp), of which config.json says nothing.
    keys = ("num_nextn_predict_layers", "num_mtp_modules", "mtp_num_hidden_layers")
    found = (config.get(key) for key in keys)
    return next((extra for extra in found if isinstance(extra, int) and extra > 0), 0)


def _read(path: Path) -> Config:
    try:
        if not path.is_file():
            raise ModelError(f"{path}: {'is not a file' if path.exists() else 'no such file'}")
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            limit = show_bytes(LARGEST_FILE_BYTES)
            raise ModelError(f"{path}: the file has {show_bytes(size)}; a config.json has at most {limit}")
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: the file is not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise ModelError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise ModelError(f"{path}: not valid JSON: a number or a nesting is beyond bounds") from None
    if not isinstance(config, dict):
        raise ModelError(f"{path}: a config.json holds one JSON object, not a {type(config).__name__}")
    return config


def _architecture_name(path: Path, config: Config) -> str:
    """The `model_type`, else the one that the class under `architectures` is named after."""
    kind = config.get("model_type")
    if kind is None:
        kind = _named_by_class(config.get("architectures"))
    if isinstance(kind, str) and kind in ARCHITECTURES:
        return kind
    supported = ", ".join(sorted(ARCHITECTURES))
    if kind is None:
        raise ModelError([f"{path}: `model_type` is missing: it says how the rest is read; supported are {supported}"])
    hint = close_match(str(kind)[:_LONGEST_NAME], ARCHITECTURES).rstrip(".")
    raise ModelError(
        [
            f"{path}: the architecture {_shown(kind)} is not supported{hint}; write the model's shape into the file"
            f" instead; supported are {supported}"
        ]
    )


def _named_by_class(classes: Any) -> Any:
    """The architecture whose name begins the class's: `Qwen2MoeForCausalLM` is qwen2_moe."""
    if not isinstance(classes, list) or not classes or not isinstance(classes[0], str):
        return classes
    stem = classes[0].partition("For")[0].partition("LMHead")[0].removesuffix("Model").lower()
    return next((kind for kind in ARCHITECTURES if kind.replace("_", "").replace("-", "") == stem), classes[0])


def _beyond_count(kind: str, architecture: Architecture, config: Config) -> list[str]:
    return [
        f"`{key}` is {_shown(config[key])}; Berth can count {kind} models only where it is "
        f"{_shown(allowed[0])}; write the shape into the workload instead"
        for key, allowed in architecture.only.items()
        if config.get(key) is not None and config[key] not in allowed
    ]


def _fields(architecture: Architecture, config: Config) -> tuple[dict[str, Any], list[str]]:
    """Fields of an InlineShape, unchecked, and what could not be worked out."""
    fields: dict[str, Any] = dict.fromkeys(architecture.needs) | dict(architecture.always)
    for field, spelling in architecture.keys.items():
        key = next((key for key in spelling.split(" or ") if key in config), None)
        value = architecture.absent.get(field) if key is None else config[key]
        # A key set to null stands for the default, as in Transformers.
        if value is not None:
            fields[field] = value
    failures = []
    for field, derive in architecture.derived.items():
        try:
            value = derive(config)
        except ValueError as error:
            failures.append(str(error))
        except (KeyError, TypeError):
            # A key that it needs is missing or no number: that key's own finding is enough.
            fields[field] = 1
        else:
            fields.pop(field, None)
            fields |= {} if value is None else {field: value}
    failures += [f"`{architecture.keys[field]}` is missing" for field in architecture.needs if field not in fields]
    if "output_head" not in architecture.derived and _without_head(config):
        fields["output_head"] = False
    return fields, failures


def _without_head(config: Config) -> bool:
    """Whether the class named has no head over the vocabulary: a bare model, a classifier, a reward model."""
    classes = config.get("architectures")
    name = classes[0] if isinstance(classes, list) and classes else None
    return isinstance(name, str) and (
        name.endswith(("EncoderModel", "TextModel", "RewardModel"))
        or "ForSequenceClassification" in name
        or "ForTokenClassification" in name
        or "ForRewardModel" in name
        or (name.endswith("Model") and "LMHead" not in name and not config.get("auto_map"))
    )


def _shown(value: Any) -> str:
    return f"{json.dumps(value):.60}"
