"""Does every supported config.json come out as the shape that its authors meant?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.architectures import ARCHITECTURES
from planner.errors import ModelError
from planner.model_config import shape_from_config
from planner.models import load_preset
from pricing.records import replace


def recorded(name: str) -> Any:
    """What a JSON file beside this one holds."""
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


# The keys of each model's config.json that bear on its shape, by preset.
PRESETS: dict[str, dict[str, Any]] = recorded("preset_configs.json")

# Models without a preset, and the parameters that Transformers 4.57 builds from the same config.json
# (from repositories of their own, as InternLM 2, Qwen 1 or DeepSeek MoE: those of the released weights).
COUNTED: dict[str, dict[str, Any]] = recorded("released_configs.json")

LLAMA = PRESETS["llama-3.1-70b"]
EVERY_CONFIG = {**PRESETS, **{name: each["config"] for name, each in COUNTED.items()}}
# Small models of odd widths, with the parameters of those that Transformers 4.57.1 builds from them.
SMALL: list[dict[str, Any]] = recorded("counted_configs.json")
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
    assert replace(shape, name=preset, notes=()) == replace(load_preset(preset), notes=())


@pytest.mark.parametrize("name", COUNTED)
def test_config_gives_the_parameters_of_the_model(name: str, tmp_path: Path) -> None:
    """Every supported architecture is counted to the last parameter."""
    counted = COUNTED[name]
    assert shape_from_config(write(tmp_path, counted["config"])).parameters == counted["parameters"]


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
        (COUNTED["gemma-3-1b"]["config"], [(22, 512), (4, 0)]),
        (COUNTED["command-r7b"]["config"], [(24, 4096), (8, 0)]),
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
    ],
)
def test_unknown_architectures_are_refused(config: dict[str, Any], named: str, tmp_path: Path) -> None:
    """An architecture that Berth cannot count is named, with what to do and those that it can."""
    (finding,) = findings(write(tmp_path, config))
    assert finding.startswith(f"the architecture {named} is not supported")
    assert finding.endswith(
        f"; write the model's shape into the file instead; supported are {', '.join(sorted(ARCHITECTURES))}"
    )


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "`model_type` is missing: it says how the rest is read; supported are "),
        ({"model_type": "qwen33"}, 'the architecture "qwen33" is not supported; did you mean qwen3'),
    ],
)
def test_a_missing_or_mistyped_architecture_is_told(config: dict[str, Any], says: str, tmp_path: Path) -> None:
    """A missing key is named as the key, and a name close to known ones leads to them."""
    (finding,) = findings(write(tmp_path, config))
    assert finding.startswith(says)


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
    assert replace(shape, name="qwen3-0.6b") == load_preset("qwen3-0.6b")


def test_a_joint_model_may_keep_all_in_its_language_part(tmp_path: Path) -> None:
    """Newer files of a joint model that was flat before have its figures in `text_config` alone."""
    joint = {"model_type": "qwen2_5_vl", "text_config": {**PRESETS["qwen2.5-7b"], "model_type": "qwen2_5_vl_text"}}
    shape = shape_from_config(write(tmp_path, joint))
    assert replace(shape, name="qwen2.5-7b") == load_preset("qwen2.5-7b")


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
