"""Does a file become the workload and the model that its user meant, or else say on which line it does not?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import WorkloadError
from planner.load import load_workload
from planner.models import load_preset
from planner.places import find_workload, lock_path
from planner.workload import Limits, Pin, Provision, Training, Workload
from pricing.records import replace
from tests.planner.market_builders import SERVING, TRAINING, written

CONFIG = {
    "model_type": "llama",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "vocab_size": 32_000,
    "max_position_embeddings": 4096,
}
INLINE = "{layers: 2, hidden: 64, ffn: 128, heads: 4, vocab: 100, context_tokens: 2048}"


def findings(folder: Path, text: str) -> list[str]:
    """What is wrong with a workload of that text, its path shortened to a line number."""
    file = written(folder, text)
    with pytest.raises(WorkloadError) as caught:
        load_workload(file)
    return [finding.removeprefix(f"{file}:") for finding in caught.value.findings]


def test_a_preset_gives_the_shape(tmp_path: Path) -> None:
    """A model named in any of its spellings has the shape of its preset."""
    named = load_workload(written(tmp_path, TRAINING.replace("llama-3.1-8b", "meta-llama/Llama-3.1-8B")))
    assert named.shape == load_preset("llama-3.1-8b")
    assert named.workload.training is not None
    assert named.workload.training.tokens == 10_000_000


@pytest.mark.parametrize("place", ["config.json", "models/mine/config.json", "../beside/config.json"])
def test_a_config_is_found_from_the_workload_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """The path of a config.json counts from the workload's folder, wherever the command runs."""
    folder = tmp_path / "project"
    config = folder / place
    folder.mkdir()
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    file = written(folder, TRAINING.replace("llama-3.1-8b", place))
    monkeypatch.chdir(tmp_path)
    assert load_workload(file).shape.hidden == 512
    assert load_workload(file.relative_to(tmp_path)).shape.layers == 4


def test_an_inline_shape_is_named_after_the_workload(tmp_path: Path) -> None:
    """A shape that is written into the workload needs no name of its own."""
    shape = load_workload(written(tmp_path, TRAINING.replace("llama-3.1-8b", INLINE))).shape
    assert (shape.name, shape.layers, shape.hidden) == ("tiny", 2, 64)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TRAINING + "limitz: {}\n", "8: limitz: unknown key; did you mean limits?"),
        (TRAINING + "  optimiser: adamw\n", "8: training.optimiser: unknown key; did you mean optimizer?"),
        (TRAINING.replace("  method: lora\n", ""), "3: training.method: is missing"),
        (TRAINING + "limits: {instance_types: {alow: [p5*]}}\n", "8: limits.instance_types.alow: unknown key; did you"),
        (TRAINING + "limits:\n  deadline: 30\n", "9: limits.deadline: 30 has no unit; write a duration such as 300ms"),
        (TRAINING + "limits: {deadline: 0d}\n", "8: limits.deadline: '0d' is no duration to plan with; write one from"),
        (
            TRAINING + "provision:\n  storage:\n    root_volume: 300\n",
            "10: provision.storage.root_volume: 300 has no unit; write a size such as 300GiB",
        ),
        (
            TRAINING + "provision: {storage: {root_volume: 1e9TiB}}\n",
            "8: provision.storage.root_volume: '1e9TiB' is no size of a volume; EBS has them up to 64.0 TiB",
        ),
        (TRAINING + "limits: 5\n", "8: limits: 5 stands where a section of keys belongs"),
        (TRAINING + "limits:\n", "8: limits: nothing stands where a section of keys belongs"),
        (TRAINING + "limits: {max_nodes: many}\n", "8: limits.max_nodes: 'many' is not a whole number"),
        (TRAINING + "limits: {max_nodes: 0}\n", "8: limits.max_nodes: 0: it should be greater than or equal to 1"),
        (TRAINING + "limits: {budget: lots}\n", "8: limits.budget: 'lots' is not a number"),
        (
            TRAINING + "limits: {regions: us-east-1}\n",
            "8: limits.regions: 'us-east-1' stands where a list belongs; wri",
        ),
        (TRAINING + "limits: {regions: {a: b}}\n", "8: limits.regions: {'a': 'b'} stands where a list belongs"),
        (TRAINING + "limits: {regions: [1]}\n", "8: limits.regions[0]: 1 stands where text belongs"),
        (TRAINING + "limits: {regions: []}\n", "8: limits.regions: the list is empty; name one or more, or leave the"),
        (TRAINING + "limits: {purchase: [free]}\n", "8: limits.purchase[0]: 'free' is not one of 'on-demand', 'spot'"),
        (
            TRAINING + "techniques: {accept: [quantized]}\n",
            "8: techniques.accept: ['quantized'] stands where a single word belongs, and no list: one of 'exact', 'ad",
        ),
        (TRAINING + "objective: fast\n", "8: objective: 'fast' is not one of 'cost' or 'time'"),
        (TRAINING + "objective: {cost: 1}\n", "8: objective.time: is missing"),
        (
            TRAINING + "objective: {cost: 1, time: 1, joy: 1}\n",
            "8: objective.joy: unknown key; known here are cost, ti",
        ),
        (TRAINING.replace("llama-3.1-8b", "8"), "2: model: 8 stands where text belongs"),
        (TRAINING.replace("llama-3.1-8b", ""), "2: model: is missing; only a vector index alone has none"),
        (TRAINING.replace("llama-3.1-8b", "{layers: 2}"), "2: model.hidden: is missing"),
        (TRAINING.replace("llama-3.1-8b", INLINE.replace("layers", "leyers")), "2: model.layers: is missing"),
        (
            TRAINING.replace("llama-3.1-8b", INLINE.replace("heads: 4", "heads: 5")),
            "2: model.head_width: a width of 64 does not divide into 5 heads; name the heads' width",
        ),
        (TRAINING.replace("llama-3.1-8b", "lama-3.1-8b"), "2: model: no model is called 'lama-3.1-8b'; did you mean"),
        (TRAINING.replace("llama-3.1-8b", "gone.json"), "2: model: "),
        (TRAINING.replace("name: tiny", "name: My_Model"), "1: name: 'My_Model' has the wrong form; wanted: lower-cas"),
        (TRAINING.replace("tiny", "a" * 41), f"1: name: '{'a' * 41}' has more than 40 characters"),
        (TRAINING + "provision: {zone: us-east-1a}\n", "8: provision.zone: 'us-east-1a' has the wrong form; wanted: a"),
        (TRAINING + "provision: {image: ami-1}\n", "8: provision.image: 'ami-1' has the wrong form; wanted: machine i"),
        (
            TRAINING + "provision: {existing: {vpc: v}}\n",
            "8: provision.existing.vpc: 'v' has the wrong form; wanted: VPC by id",
        ),
        (
            TRAINING + "provision: {existing: {file_system: f}}\n",
            "8: provision.existing.file_system: 'f' has the wrong form; wanted: FSx for Lustre",
        ),
        (TRAINING + f"{'k' * 99}: 1\n", f"8: {'k' * 60}: unknown key; known here are name, model,"),
        # Words that the validator uses for the branches of a union are keys like any other.
        (TRAINING + "str: 1\n", "8: str: unknown key"),
        (TRAINING + "ObjectiveWeights: 1\n", "8: ObjectiveWeights: unknown key"),
        (TRAINING + "limits: {str: 1}\n", "8: limits.str: unknown key"),
        (TRAINING + "objective: {cost: 1, time: 1, str: 1}\n", "8: objective.str: unknown key"),
        (SERVING + "  context_length: 10M\n", "3: inference: 10,000,000 tokens of context are more than the 131,072"),
        (
            SERVING.replace("llama-3.1-8b", "esm2-3b"),
            "6: inference.output_tokens: esm2-3b makes no tokens one by one: none of its blocks is causal; set it to 0",
        ),
        (
            TRAINING.replace("llama-3.1-8b", "gpt2"),
            "6: training.sequence_length: 2,048 tokens a sequence are more than the 1,024 for which gpt2 has learned",
        ),
    ],
)
def test_each_mistake_is_told_with_line_field_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    """A finding says where, quotes what was written, and what would be right."""
    assert findings(tmp_path, text)[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (TRAINING + "a: 1\nb: 2\nlimits: {max_nodes: 0, foo: 1}\npin: {nodes: -1}\n", ["10", "10", "11", "8", "9"]),
        (TRAINING.replace("llama-3.1-8b", "lama") + "limits: {regions: [x], max_nodes: 1}\npin: {nodes: 2}\n", None),
        (TRAINING + "limits: {regions: [1, 2]}\n", ["8", "8"]),
        (TRAINING + "limits: {purchase: [free]}\n", ["8"]),
        (TRAINING.replace("llama-3.1-8b", "{layers: 0}"), ["2"] * 6),
    ],
)
def test_all_mistakes_are_told_at_once(tmp_path: Path, text: str, lines: list[str] | None) -> None:
    """Every finding is there, none of them twice, and none that only follows from another."""
    said = findings(tmp_path, text)
    assert len(set(said)) == len(said)
    if lines is None:
        assert [each.split(":")[1].strip() for each in said] == ["limits.regions[0]", "pin.nodes", "model"]
    else:
        assert [each.split(":")[0] for each in said] == lines


@pytest.mark.parametrize(
    ("model", "asks", "said"),
    [
        (
            "llama-3.1-8b",
            "method: lora, adapter: bitfit",
            ["4: training.adapter: bitfit trains biases, and llama-3.1-8b"],
        ),
        ("qwen2.5-7b", "method: lora, adapter: bitfit", []),
    ],
)
def test_biases_are_trained_where_there_are_some(tmp_path: Path, model: str, asks: str, said: list[str]) -> None:
    """An adapter of biases needs a model that has them."""
    text = f"name: tiny\nmodel: {model}\ntraining:\n  {{{asks}, tokens: 1B, sequence_length: 2048, global_batch: 8}}\n"
    found = findings(tmp_path, text) if said else []
    assert [each[: len(start)] for each, start in zip(found, said, strict=True)] == said
    if not said:
        (tmp_path / "tiny.yaml").write_text(text, encoding="utf-8")
        assert load_workload(tmp_path / "tiny.yaml").shape.biased


@pytest.mark.parametrize("long", ["x" * 200_000, "*a" * 5000])
def test_a_long_value_is_quoted_in_part(tmp_path: Path, long: str) -> None:
    """A message stays readable whatever was pasted into the file."""
    texts = [
        f"limits: {{regions: ['{long}']}}",
        f"limits: {{budget: '{long}'}}",
        f"limits: {{instance_types: {{deny: ['{long}']}}}}",
        f"techniques: {{require: ['{long}']}}",
        f"pin: {{instance_type: '{long}'}}",
    ]
    said = [finding for text in texts for finding in findings(tmp_path, TRAINING + text + "\n")]
    assert len(said) == len(texts)
    # All known regions are some 600 characters.
    assert max(map(len, said)) < 700


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder with a folder workloads/ in it."""
    (tmp_path / "workloads").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.mark.parametrize(
    ("there", "name", "found"),
    [
        (["w.yaml"], "w.yaml", "w.yaml"),
        (["workloads/w.yaml"], "w.yaml", "workloads/w.yaml"),
        (["w.yaml", "workloads/w.yaml"], "w.yaml", "w.yaml"),
        (["workloads/w.yaml"], "workloads/w.yaml", "workloads/w.yaml"),
        # A path is taken at its word.
        (["workloads/w.yaml"], "./x/w.yaml", "x/w.yaml"),
        # Of a workload that is gone, the lock still tells where it stood: its stack can be destroyed.
        (["workloads/w.plan.json"], "w.yaml", "workloads/w.yaml"),
        (["w.plan.json", "workloads/w.yaml"], "w.yaml", "workloads/w.yaml"),
        (["w.plan.json"], "w.yaml", "w.yaml"),
        ([], "w.yaml", "w.yaml"),
        ([], "", "."),
        ([], "x" * 5000, "x" * 5000),
    ],
)
def test_a_bare_name_is_found_in_workloads_too(here: Path, there: list[str], name: str, found: str) -> None:
    """A file is looked for here, then in workloads/, then where only its lock is left."""
    for each in there:
        (here / each).write_text("", encoding="utf-8")
    assert find_workload(name) == Path(found)


@pytest.mark.parametrize(
    ("file", "lock"),
    [
        ("a/w.yaml", "a/w.plan.json"),
        ("w.yml", "w.plan.json"),
        ("w", "w.plan.json"),
        ("w.v2.yaml", "w.v2.plan.json"),
        (".", ".plan.json"),
        ("/", "/.plan.json"),
    ],
)
def test_a_lock_stands_beside_its_workload(file: str, lock: str) -> None:
    """The lock has the workload's name, and any path has one."""
    assert lock_path(Path(file)) == Path(lock)


def test_loading_twice_gives_the_same(tmp_path: Path) -> None:
    """Comments, order of keys, quotes and spelled-out defaults are not part of a workload."""
    plain = load_workload(written(tmp_path, TRAINING, "a.yaml"))
    lines = TRAINING.splitlines()
    other = "\n".join(["# note", *lines[2:], 'model: "llama-3.1-8b"  # note', "objective: cost", lines[0]])
    again = load_workload(written(tmp_path, other, "b.yaml"))
    assert replace(again, file=plain.file) == plain


KNOWN = (
    *Workload.model_fields,
    *Training.model_fields,
    *Limits.model_fields,
    *Pin.model_fields,
    *Provision.model_fields,
)
KEYS = st.sampled_from(
    [*KNOWN, "allow", "deny", "root_volume", "cost", "time", "require", "str", "ObjectiveWeights", "layers"]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(["", "1e9999d", "10M", "30d", "300GiB", "gpt2", "us-east-1", "lora", "cost", "\u202e", "a.json"]),
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@settings(deadline=None, derandomize=True, max_examples=300)
@given(changes=st.dictionaries(KEYS, VALUES, max_size=3), deeper=st.dictionaries(KEYS, VALUES, max_size=2))
def test_no_value_makes_loading_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any], deeper: dict[str, Any]
) -> None:
    """Whatever stands under whichever key, the workload is loaded or refused with a sentence for a person."""
    section = {"method": "lora", "tokens": "10M", "sequence_length": 512, "global_batch": 8, **deeper}
    data = {"name": "w", "model": "gpt2", "training": section, **changes}
    file = written(tmp_path_factory.mktemp("any"), json.dumps(data))
    try:
        load_workload(file)
    except WorkloadError as error:
        assert error.findings
        assert all(finding.startswith(f"{file}:") for finding in error.findings)
