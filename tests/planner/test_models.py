"""Do the presets have the parameters that were published?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.errors import UnknownModel
from planner.models import FAMILIES, find_preset, load_preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_parameters_are_those_published(name: str) -> None:
    """Every preset counts exactly what its makers released, or rounds to what they wrote."""
    published = find_preset(name).published
    counted = load_preset(name).parameters
    if published.rounded:
        assert counted == pytest.approx(published.parameters, rel=0.005)
    else:
        assert counted == published.parameters


@pytest.mark.parametrize(
    "name",
    [
        "mixtral-8x7b",
        "mixtral-8x22b",
        "qwen3-30b-a3b",
        "qwen3-235b-a22b",
        "qwen3-coder-480b-a35b",
        "deepseek-v3",
        "kimi-k2",
        "llama-4-scout",
        "llama-4-maverick",
        "phi-3.5-moe",
        "jamba-v0.1",
        "jamba-1.5-large",
    ],
)
def test_active_parameters_are_those_published(name: str) -> None:
    """A mixture of experts counts as many active parameters as published, always in rounded figures."""
    active = find_preset(name).published.active_parameters
    assert load_preset(name).active_parameters == pytest.approx(active, rel=0.02)


@pytest.mark.parametrize(
    ("name", "layers", "kv_heads", "context_tokens", "cache_width_per_token"),
    [
        ("llama-3.1-70b", 80, 8, 131_072, 80 * 2 * 8 * 128),
        ("llama-2-13b", 40, 40, 4096, 40 * 2 * 5120),
        ("mistral-nemo-12b", 40, 8, 128_000, 40 * 2 * 8 * 128),
        ("qwen3-0.6b", 28, 8, 40_960, 28 * 2 * 8 * 128),
        ("gemma-2-27b", 46, 16, 8192, 46 * 2 * 16 * 128),
        ("deepseek-v3", 61, 128, 163_840, 61 * (512 + 64)),
        ("gpt3-175b", 96, 96, 2048, 96 * 2 * 12288),
        ("gemma-3-27b", 62, 16, 131_072, 62 * 2 * 16 * 128),
        # Four of 32 blocks of Jamba have attention, ten of 80 of MiniMax-Text-01, none of Mamba.
        ("jamba-v0.1", 32, 8, 262_144, 4 * 2 * 8 * 128),
        ("minimax-text-01", 80, 8, 4_096_000, 10 * 2 * 8 * 128),
        ("mamba-2.8b", 64, 5120, 2048, 0),
        # An encoder keeps none; T5's decoder keeps its own keys and values and those of the source.
        ("esm2-15b", 48, 40, 1026, 0),
        ("flan-t5-xxl", 48, 64, 512, 24 * 2 * 2 * 4096),
    ],
)
def test_cache_follows_from_heads(
    name: str, layers: int, kv_heads: int, context_tokens: int, cache_width_per_token: int
) -> None:
    """The figures that decide how much KV cache a token takes are those of the model."""
    shape = load_preset(name)
    assert (shape.layers, shape.kv_heads, shape.context_tokens) == (layers, kv_heads, context_tokens)
    assert shape.cache_width_per_token == cache_width_per_token


def test_dense_blocks_come_before_the_experts() -> None:
    """DeepSeek-V3 starts with three dense blocks, and each other one has 256 routed experts."""
    runs = [(run.count, run.mlp.experts) for run in load_preset("deepseek-v3").blocks]
    assert runs == [(3, 0), (58, 256)]


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("llama-4-maverick", [(24, 8192, 0), (12, 8192, 128), (12, 0, 128)]),
        ("gemma-3-4b", [(29, 1024, 0), (5, 0, 0)]),
        ("jamba-v0.1", [(12, 0, 0), (4, 0, 0), (16, 0, 16)]),
    ],
)
def test_alternating_blocks_are_counted_by_kind(name: str, runs: list[tuple[int, int, int]]) -> None:
    """Blocks of one window and one kind of MLP stand in one run, however they alternate."""
    assert [(run.count, run.attention.window, run.mlp.experts) for run in load_preset(name).blocks] == runs


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("llama-3.1-70b", "llama-3.1-70b"),
        ("Llama-3.1-70B", "llama-3.1-70b"),
        ("meta-llama/Llama-3.1-70B", "llama-3.1-70b"),
        ("META-LLAMA/META-LLAMA-3.1-70B-INSTRUCT", "llama-3.1-70b"),
        ("Llama-3.1-70B-Instruct", "llama-3.1-70b"),
        (" qwen/qwen3-235b-a22b ", "qwen3-235b-a22b"),
        ("gpt2", "gpt2"),
        ("facebook/opt-13b", "opt-13b"),
        ("LLAMA3_70B", "llama-3-70b"),
        ("Mixtral 8x7B", "mixtral-8x7b"),
        ("OpenAI/gpt-oss-120b", "gpt-oss-120b"),
        ("facebook/esm2_t36_3B_UR50D", "esm2-3b"),
        ("bert-base-uncased", "bert-base"),
        ("google/flan-t5-xl", "flan-t5-xl"),
        ("OpenFold", "alphafold2"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(written: str, name: str) -> None:
    """Case does not matter, nor do separators, nor whether the organisation stands in front."""
    assert load_preset(written).name == name


def test_a_language_model_alone_says_so() -> None:
    """Where a preset leaves a vision tower out, its shape tells the reader of the plan."""
    assert load_preset("llama-4-scout").notes == find_preset("llama-4-scout").notes
    assert "vision tower" in load_preset("gemma-3-27b").notes[0]
    assert load_preset("gemma-3-1b").notes == ()


def test_no_two_models_share_a_name() -> None:
    """Every name leads to one model, the one that carries it."""
    presets = [find_preset(name) for name in preset_names()]
    for preset in presets:
        for name in (preset.name, *preset.also):
            assert [other.name for other in presets if other.is_called(name)] == [preset.name]


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("lama3-70b", "did you mean llama-3-70b"),
        ("mistral-7b", "mistral-7b-v0.1"),
        ("meta-llama/Llama-3.1-70b-hf", "did you mean llama-3.1-70b"),
        ("", "no model is called ''. `berth models` lists"),
        ("x" * 1_000_000, "no model is called 'xxx"),
    ],
)
def test_unknown_models_come_with_the_closest(written: str, suggested: str) -> None:
    """A name that nobody has is answered with those that come close."""
    with pytest.raises(UnknownModel) as caught:
        load_preset(written)
    assert suggested in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_look_up_reads_only_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan does not pay for parsing the other models."""
    parsed: list[str] = []
    load = yaml.load

    def counting(document: str, **options: Any) -> Any:
        parsed.append(document)
        return load(document, **options)

    monkeypatch.setattr(yaml, "load", counting)
    load_preset("llama-3.1-70b")
    assert len(parsed) == 1


@pytest.mark.parametrize("family", sorted(FAMILIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_families_say_where_their_figures_are_from(family: Path) -> None:
    """A family's file opens with a comment, and each of its models names its sources."""
    assert family.read_text(encoding="utf-8").startswith("# ")
    documents = [each for each in yaml.safe_load_all(family.read_text(encoding="utf-8")) if each]
    assert documents
    assert all(each["source"] and each["published"]["source"] for each in documents)
