"""Does an estimate say what a pinned configuration takes, without asking any market?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.calibration import load_calibration
from planner.errors import PlannerError, WorkloadError
from planner.estimate import Estimate, estimate
from planner.pinned import read_pinned
from pricing.units import GIB

EXAMPLES = sorted((Path(__file__).parents[2] / "workloads" / "estimates").glob("*.yaml"))
TRAINED: dict[str, Any] = {
    "name": "mine",
    "model": "llama-3.2-1b",
    "accelerator": "A10G",
    "training": {"method": "full", "framework": "torchtitan", "sequence_length": 1024},
}


def estimated(folder: Path, **changes: Any) -> Estimate:
    """The estimate of a small full fine-tune, some of it changed."""
    file = folder / "pinned.yaml"
    file.write_text(yaml.safe_dump({**TRAINED, **changes}), encoding="utf-8")
    pinned, shape = read_pinned(file)
    return estimate(pinned, shape, load_calibration())


@pytest.mark.parametrize(
    ("name", "low_gib", "high_gib", "fits"),
    [
        ("alphafold2-2000", 4, 16, True),
        ("esm2-15b", 28, 33, True),
        ("full8b-a10g", 20, 27, False),
        ("full13b-zero-offload", 25, 31, True),
        ("llama405b-airllm", 6, 9, True),
        ("pruned4b-uneven", 2, 5, True),
        ("opt175b-t4", 4, 12, True),
        ("qlora7b-24gb", 6, 14, True),
        ("serve3b-mig", 7, 9, True),
        ("train70b-h100", 40, 60, True),
    ],
)
def test_the_examples_come_out_as_known(name: str, low_gib: float, high_gib: float, fits: bool) -> None:
    """Each example takes about what such runs are known to take, and is judged at the upper edge of its band."""
    file = next(each for each in EXAMPLES if each.stem == name)
    pinned, shape = read_pinned(file)
    found = estimate(pinned, shape, load_calibration())
    assert low_gib <= found.total_bytes / GIB <= high_gib
    assert found.fits is fits


def test_an_accelerator_may_be_described(tmp_path: Path) -> None:
    """One that AWS does not sell has the memory and rates that the file gives; without rates there is no time."""
    given = {"name": "own", "memory": "96 GiB", "memory_gb_per_s": 2000, "tflop_per_s": {"bf16": 300}}
    found = estimated(tmp_path, accelerator=given)
    assert found.device_bytes == 96 * GIB
    assert found.step_s
    assert found.tokens_per_s == pytest.approx(1024 / found.step_s)
    bare = estimated(tmp_path, accelerator={"name": "own", "memory": "96 GiB"})
    assert bare.step_s is None
    assert "no source states a rate" in bare.notes[0]
    assert bare.total_bytes == found.total_bytes


def test_the_terms_add_up_and_the_json_is_plain(tmp_path: Path) -> None:
    """The total is the sum of its terms, the upper edge the band's, and the verdict is drawn there."""
    found = estimated(tmp_path).as_json()
    assert found["total_bytes"] == pytest.approx(sum(found["terms_bytes"].values()))
    assert found["upper_bytes"] == pytest.approx(found["band"]["high"] * found["total_bytes"])
    assert found["fits"] is (found["upper_bytes"] <= found["device_bytes"])


def test_more_accelerators_share_the_states(tmp_path: Path) -> None:
    """Sharded states take less on each of eight devices than on one."""
    one, eight = (estimated(tmp_path, accelerators=count) for count in (1, 8))
    assert eight.total_bytes < one.total_bytes


SERVED: dict[str, Any] = {"training": None, "model": "llama-3.2-3b", "accelerator": "L4"}


def test_serving_has_a_band_and_factors_of_its_own(tmp_path: Path) -> None:
    """A program that was measured has its own, narrower band; packed weights leave copies behind, 16-bit ones none."""
    asked = {"input_tokens": 512, "weights": "awq"}
    named, other, plain = (
        estimated(tmp_path, **SERVED, inference=part)
        for part in ({**asked, "program": "autoawq"}, asked, {**asked, "weights": "bf16"})
    )
    known = load_calibration()
    assert named.band == known.eager_factors("autoawq").band
    assert other.band == known.eager_factors("default").band
    assert "training" not in other.band.basis
    copies = {each: term.value for each in (named, plain) for term in each.terms if term.name == "copies"}
    weights = next(term.value for term in named.terms if term.name == "weights")
    assert copies[named] == pytest.approx(known.eager_factors("autoawq").copied_share * weights)
    assert copies[plain] == 0


def test_a_slice_is_a_device_of_its_own(tmp_path: Path) -> None:
    """A seventh of an H100 has its memory and is slower than the whole; the estimate says how many there are."""
    training = {**TRAINED["training"], "method": "lora", "framework": "huggingface"}
    part, whole = (
        estimated(tmp_path, accelerator=name, training=training) for name in ("H100-80GB/1g.10gb", "H100-80GB")
    )
    assert part.total_bytes == whole.total_bytes
    assert part.device_bytes == 9984 * 2**20
    assert part.step_s and whole.step_s and part.step_s > 4 * whole.step_s
    assert "one H100-80GB is cut into 7 of these" in part.notes[0]
    assert "no run on a slice was measured" in part.notes[0]
    assert not whole.notes


MIXED_ON_EIGHT: dict[str, Any] = {
    "model": "mixtral-8x7b",
    "accelerator": "H100-80GB",
    "accelerators": 16,
    "training": {"method": "pretrain", "sequence_length": 4096, "tensor": 2, "pipeline": 2, "expert": 4},
}


def test_routing_is_a_line_of_its_own_with_a_wide_band(tmp_path: Path) -> None:
    """A mixture of experts shows its routing, more of it with a capacity factor of two; its band says it is a guess."""
    plain = estimated(tmp_path, **MIXED_ON_EIGHT)
    roomy = estimated(
        tmp_path, **{**MIXED_ON_EIGHT, "training": {**MIXED_ON_EIGHT["training"], "capacity_factor": 2.0}}
    )
    routed = [next(term.value for term in each.terms if term.name == "expert routing") for each in (plain, roomy)]
    assert 0 < routed[0] < routed[1]
    assert plain.band.high >= 1.4
    assert "no run of a mixture" in plain.band.basis


def test_software_with_operations_of_its_own_may_be_named(tmp_path: Path) -> None:
    """A class of software stands for the framework that it belongs to, with its own operations and factors."""
    part = {**TRAINED["training"], "method": "lora", "framework": "litgpt"}
    assert "litgpt" in estimated(tmp_path, training=part).band.basis


@pytest.mark.parametrize(
    ("part", "less"),
    [
        ({"techniques": ["recompute-full"]}, "activations"),
        ({"techniques": ["chunked-loss"]}, "logits and loss"),
        ({"techniques": ["fused-loss"]}, "logits and loss"),
        ({"techniques": ["adamw-8bit"]}, "optimizer states"),
        ({"techniques": ["adafactor"]}, "optimizer states"),
        ({"techniques": ["muon"]}, "optimizer states"),
        ({"techniques": ["fsdp-offload"]}, "weights"),
        ({"techniques": ["frozen-layers"], "trained_share": 0.5}, "optimizer states"),
        ({"method": "lora", "techniques": ["ia3"]}, "gradients"),
        ({"method": "qlora"}, "weights"),
        ({"method": "qlora", "techniques": ["int3-weights", "peqa"]}, "weights"),
    ],
)
def test_a_technique_is_priced(part: dict[str, Any], less: str, tmp_path: Path) -> None:
    """What a technique saves is missing from its term."""
    plain, saved = (
        {term.name: term.value for term in estimated(tmp_path, training={**TRAINED["training"], **each}).terms}
        for each in ({"micro_batches": 2}, {"micro_batches": 2, **part})
    )
    assert saved[less] < plain[less]


def test_what_lies_elsewhere_is_told_per_node(tmp_path: Path) -> None:
    """Offloaded states are counted on the host of a node, disks apart, and the time knows what they cost."""
    part = {**TRAINED["training"], "framework": "deepspeed"}
    host = estimated(tmp_path, accelerators=16, training={**part, "techniques": ["zero3", "optimizer-offload"]})
    shape_parameters = 1_235_814_400
    assert host.host_bytes == pytest.approx(1.5 * 16 * shape_parameters / 2)
    assert host.disk_bytes == 0
    assert host.notes == ()
    disk = estimated(tmp_path, accelerators=8, training={**part, "techniques": ["zero3", "optimizer-offload-nvme"]})
    assert disk.disk_bytes == pytest.approx(16 * shape_parameters)


@pytest.mark.parametrize(
    ("techniques", "less"),
    [
        (["awq"], "weights"),
        (["layer-streaming"], "weights"),
        (["kv-int8"], "cache"),
        (["host-kv"], "cache"),
    ],
)
def test_serving_techniques_are_priced(techniques: list[str], less: str, tmp_path: Path) -> None:
    """A packed or streamed part takes less on the device, and what streams is told of host or disk."""
    asked = {"input_tokens": 1024, "output_tokens": 64}
    plain, saved = (
        estimated(tmp_path, training=None, inference={**asked, **more}) for more in ({}, {"techniques": techniques})
    )
    assert _by_name(saved)[less] < _by_name(plain)[less]
    assert (saved.host_bytes > 0) is ("host-kv" in techniques)
    assert (saved.disk_bytes > 0) is ("layer-streaming" in techniques)


DISTILLED = {
    "model_type": "distilbert",
    "architectures": ["DistilBertForMaskedLM"],
    "dim": 768,
    "hidden_dim": 3072,
    "n_layers": 6,
    "n_heads": 12,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
}
PRUNED = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 3072,
    "intermediate_size": 9216,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(("config", "millions"), [(DISTILLED, 67.0), (PRUNED, 4513)], ids=["DistilBERT", "Minitron"])
def test_distilled_and_pruned_models_come_as_config_json(
    config: dict[str, Any], millions: float, tmp_path: Path
) -> None:
    """A student's own config.json is all that it takes; its weights are as large as it was made."""
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found = estimated(tmp_path, model="config.json", training=None, inference={"input_tokens": 64})
    assert _by_name(found)["weights"] == pytest.approx(2e6 * millions, rel=0.01)


def _by_name(found: Estimate) -> dict[str, float]:
    return {term.name: term.value for term in found.terms}


PROMPT = {"input_tokens": 8}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"training": {"sequence_length": 8, "techniques": ["fsdp", "galore"]}},
            "techniques: galore and fsdp exclude each other; keep one of them",
        ),
        (
            {"training": {"sequence_length": 8, "techniques": ["adamw", "lion"]}},
            "techniques: lion and adamw exclude each other",
        ),
        (
            {"training": {"sequence_length": 8, "techniques": ["activation-offload"]}},
            "techniques: activation-offload needs recompute-full; name one",
        ),
        (
            {"training": {"sequence_length": 8, "techniques": ["optimizer-in-backward"], "micro_batches": 4}},
            "techniques: optimizer-in-backward excludes micro_batches 4; set it to 1",
        ),
        ({"training": {"sequence_length": 8, "techniques": ["dora"]}}, "training.method: full trains weights"),
        ({"training": {"sequence_length": 8, "techniques": ["nf4"]}}, "training.method: packed weights cannot be"),
        (
            {"training": {"sequence_length": 8, "techniques": ["kv-fp8"]}},
            "training.techniques: kv-fp8 is not for train",
        ),
        ({"training": None, "inference": {**PROMPT, "techniques": ["zero3"]}}, "zero3 is not for inference"),
        ({"training": None, "inference": {**PROMPT, "techniques": ["awg"]}}, "awg is not known; did you mean awq?"),
        (
            {"training": None, "inference": {**PROMPT, "techniques": ["awq"], "weights": "int8"}},
            "inference.techniques: base weights is told twice, here and as int8; keep one",
        ),
        (
            {"training": None, "inference": {**PROMPT, "techniques": ["host-kv", "disk-kv"]}},
            "techniques: disk-kv and host-kv exclude each other",
        ),
        ({"accelerator": "A11G"}, "A11G is not a known accelerator"),
        ({"accelerator": "H100-80GB/1g.5gb"}, "H100-80GB has no such part; it has 1g.10gb"),
        ({"accelerator": "H100-80GB/1g.10gb", "accelerators": 2}, "accelerators: 2 x H100-80GB/1g.10gb: slices"),
        ({"accelerator": {"name": "x", "memry": "1 GiB"}}, "accelerator.memry: unknown key; did you mean memory?"),
        ({"accelerator": {"name": "x", "memory": "80"}}, "accelerator.memory: '80' is not a size"),
        ({"training": {"sequence_length": 8, "framework": "none"}}, "training.framework: none is not known to train"),
        ({"training": {"sequence_length": 8, "techniques": ["x"]}}, "training.techniques: x is not known"),
        ({"training": {"sequence_length": 8, "expert": 2}}, "training.expert: llama-3.2-1b has no experts"),
        ({"training": {"sequence_length": 8, "capacity_factor": 2}}, "training.capacity_factor: llama-3.2-1b has no"),
        (
            {"model": "mixtral-8x7b", "accelerators": 8, "training": {"sequence_length": 8, "expert": 3}},
            "training.expert: 8 experts on 8 ranks cannot be shared 3 ways",
        ),
        ({"accelerators": 3, "training": {"sequence_length": 8, "tensor": 2}}, "3 devices are no multiple of"),
        ({"training": {"sequence_length": 8, "tensor": 3}, "accelerators": 3}, "32 heads cannot be split 3 ways"),
        ({"training": None, "inference": {"input_tokens": 8, "weights": "int5"}}, "inference.weights: how many bytes"),
        (
            {"training": None, "inference": {"input_tokens": 8, "program": "ollama"}},
            "inference.program: ollama was not measured; autoawq, hf were",
        ),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    """Names that nobody knows and degrees that do not divide are findings with the field in front."""
    with pytest.raises(PlannerError) as caught:
        estimated(tmp_path, **changes)
    assert any(says in finding for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"training": {"sequence_length": 0}}, "training.sequence_length"),
        ({"training": {"sequence_length": 8, "stages": 2}}, "training.stages"),
        ({"model": "no-such-model"}, "model"),
        ({"inference": {"input_tokens": 1}}, "training or inference"),
        ({"training": None}, "training or inference"),
        ({"accelerator": {"name": "x", "memory": "1 GiB", "tflop_per_s": 5}}, "accelerator.tflop_per_s"),
        ({"accelerator": {"name": "x", "memory": "1 GiB", "tflop_per_s": {"bf17": 5}}}, "accelerator.tflop_per_s.bf17"),
        ({"accelerator": {"name": "x", "memory": "1 GiB", "ranks": "a"}}, "accelerator.ranks: 'a' is not a whole"),
        ({"accelerator": {"name": "x", "memory": "1 GiB", "ranks": 0}}, "accelerator.ranks: 0"),
        ({"accelerator": {"name": "x", "memory": "0 GiB"}}, "accelerator.memory: '0 GiB' is no memory"),
        ({"accelerator": {"name": "x", "memory": "1 GiB", "vendor": 3}}, "accelerator.vendor: 3 stands where text"),
        ({"accelerator": {"name": "x", "memory": "1 GiB", "memory_gb_per_s": -1}}, "accelerator.memory_gb_per_s"),
        ({"acelerator": "T4"}, "acelerator: unknown key; did you mean accelerator or accelerators?"),
        ({"name": "a b"}, "name: 'a b' has the wrong form; wanted: up to 64 letters"),
        ({"training": {"sequence_length": 8, "trained_share": 0.5}}, "training.trained_share: is a setting of frozen"),
        ({"training": {"sequence_length": 8, "projected_rank": 8}}, "training.projected_rank: is a setting of galore"),
        ({"model": "gpt2", "training": {"sequence_length": 2048}}, "training.sequence_length: 2,048 tokens are more"),
        (
            {"training": {"sequence_length": 8, "method": "lora", "techniques": ["bitfit"]}},
            "training.techniques: bitfit trains biases, and llama-3.2-1b has none",
        ),
        (
            {"training": {"sequence_length": 8, "framework": "torchtitan", "techniques": ["galore"]}},
            "fsdp and galore exclude each other; fsdp is what the framework or method does by default",
        ),
        (
            {"training": None, "inference": PROMPT, "accelerators": 3},
            "accelerators: 32 heads cannot be split 3 ways, and 16 blocks do not share out over 3 devices",
        ),
    ],
)
def test_a_wrong_file_points_at_its_lines(changes: dict[str, Any], field: str, tmp_path: Path) -> None:
    """Unknown keys, values out of range, unknown models and two jobs at once: each with file, line and field."""
    with pytest.raises(WorkloadError) as caught:
        estimated(tmp_path, **changes)
    assert any("pinned.yaml:" in finding and field in finding for finding in caught.value.findings)


@pytest.mark.parametrize("chip", ["T4", "V100-16GB", "M60"])
def test_arithmetic_that_is_missing_is_told(chip: str, tmp_path: Path) -> None:
    """The verdict says what the accelerator has not, and so does the reason for there being no time."""
    found = estimated(tmp_path, accelerator=chip, training={"sequence_length": 8, "method": "lora"})
    assert [caution.split(":")[0] for caution in found.cautions] == [f"{chip} has no bf16 arithmetic"]
    assert found.step_s is None
    assert found.notes[0].startswith(f"no time: {chip} has no bf16 arithmetic")
    assert estimated(tmp_path).cautions == ()


def test_a_rate_that_no_source_states_is_named(tmp_path: Path) -> None:
    """A described accelerator may have what its file does not give: its time lacks that rate alone."""
    given = {"name": "own", "memory": "96 GiB", "memory_gb_per_s": 2000, "tflop_per_s": {"fp16": 300}}
    found = estimated(tmp_path, accelerator=given)
    assert found.notes == ("no source states a rate of own in bf16, which the time needs",)
    assert found.cautions == ()


ON_TRAINIUM = {"accelerator": "Trainium2", "accelerators": 16}


def test_software_is_one_that_runs_on_the_accelerator(tmp_path: Path) -> None:
    """Without a framework named, AWS's accelerators get theirs; one of another maker is estimated as NVIDIA's, and says
    so. Names of NVIDIA's tools stand for NVIDIA's alone."""
    part = {"sequence_length": 4096, "techniques": ["recompute-full"]}
    neuron, nvidia, other = (
        estimated(tmp_path, model="llama-3.1-8b", training=part, **chip)
        for chip in (ON_TRAINIUM, {"accelerator": "H200"}, {"accelerator": "MI300X"})
    )
    assert [each.taken.framework for each in (neuron, nvidia, other)] == ["neuron", "torchtitan", "torchtitan"]
    assert [
        any("no software here is known" in caution for caution in each.cautions) for each in (neuron, nvidia, other)
    ] == [
        False,
        False,
        True,
    ]
    assert ["nvidia-smi" in each.as_json()["compared"] for each in (neuron, nvidia, other)] == [False, True, False]
    described = {"name": "next", "memory": "96 GiB", "vendor": "AWS"}
    assert estimated(tmp_path, accelerator=described, training=part).taken.framework == "neuron"


@pytest.mark.parametrize(
    ("chip", "part", "says"),
    [
        ("Trainium2", {"framework": "huggingface"}, "training.framework: huggingface does not run on Trainium2; name"),
        ("Trainium2", {"framework": "litgpt"}, "training.framework: litgpt does not run on Trainium2"),
        (
            "Trainium2",
            {"method": "qlora"},
            "training.method: no framework here trains by qlora on Trainium2; set it to",
        ),
        ("H100-80GB", {"framework": "neuron"}, "training.framework: neuron does not run on H100-80GB"),
        ("MI300X", {"framework": "neuron"}, "training.framework: neuron does not run on MI300X"),
        (
            "A100-80GB",
            {"techniques": ["nvfp4"]},
            "training.techniques: A100-80GB has no fp4 arithmetic, without",
        ),
        ("T4", {"techniques": ["fp8"]}, "training.techniques: T4 has no fp8 arithmetic, without which fp8 cannot run"),
        ("Inferentia2", {}, "accelerator: no framework here trains on Inferentia2; choose another"),
    ],
)
def test_software_that_does_not_run_there_is_refused(
    chip: str, part: dict[str, Any], says: str, tmp_path: Path
) -> None:
    """A framework named for an accelerator on which it cannot run, or a method that none there has, is a finding."""
    with pytest.raises(WorkloadError) as caught:
        estimated(tmp_path, accelerator=chip, training={"sequence_length": 64, **part})
    assert [says in finding for finding in caught.value.findings] == [True]


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    """Unknown names and degrees that do not divide are told together, and names beside keys that nobody knows."""
    training = {"sequence_length": 8, "techniques": ["zap"], "tensor": 3, "framework": "none"}
    wrong = {"model": "lama", "accelerator": "Q100", "training": training}
    wanted = ["'lama'", "Q100 is not", "zap is not", "training.framework: none", "no multiple of tensor"]
    with pytest.raises(WorkloadError) as caught:
        estimated(tmp_path, **wrong)
    assert [each for each in wanted if each not in "\n".join(caught.value.findings)] == []
    with pytest.raises(WorkloadError) as caught:
        estimated(tmp_path, **wrong, inference={"input_tokens": 8}, foo=1)
    wanted = [*wanted[:4], "foo: unknown key; known here are name, model", "either training or inference"]
    assert [each for each in wanted if each not in "\n".join(caught.value.findings)] == []


def test_a_technique_finds_a_framework_that_has_it(tmp_path: Path) -> None:
    """GaLore, with no framework named, is priced in one that offers it; named software that lacks one says so."""
    found = estimated(tmp_path, training={"sequence_length": 8, "techniques": ["galore"]})
    assert found.taken.framework == "huggingface"
    assert "fsdp" not in found.taken.techniques
    lacking = estimated(tmp_path, training={**TRAINED["training"], "techniques": ["adamw-8bit"]})
    assert lacking.notes == ("torchtitan does not offer adamw-8bit: priced as though it did",)
    part = {"sequence_length": 8, "framework": "huggingface", "tensor": 2}
    cut = estimated(tmp_path, accelerators=2, training=part)
    assert "huggingface does not offer the tensor degree: priced as though it did" in cut.notes


def test_the_three_kinds_of_memory_are_told_apart(tmp_path: Path) -> None:
    """What tensors take, what the allocator took, and what nvidia-smi shows, which alone the fit compares."""
    served = {"training": None, "inference": {"input_tokens": 2048}}
    for found in (estimated(tmp_path, accelerators=2), estimated(tmp_path, **served)):
        terms = _by_name(found)
        assert found.total_bytes - found.reserved_bytes == pytest.approx(terms["context and collectives"])
        assert found.reserved_bytes - found.allocated_bytes == pytest.approx(terms["allocator slack"])
        assert terms["context and collectives"] > 0
        assert min(terms.values()) >= 0
        assert "nvidia-smi" in found.as_json()["compared"]


def test_what_was_taken_is_told(tmp_path: Path) -> None:
    """Framework, software, techniques with defaults, layout and schedule, plain enough for JSON."""
    part = {"sequence_length": 2048, "framework": "litgpt", "pipeline": 2, "micro_batches": 4}
    taken = json.loads(json.dumps(estimated(tmp_path, accelerators=4, training=part).as_json()))["taken"]
    assert (taken["framework"], taken["software"], taken["schedule"]) == ("huggingface", "litgpt", "1f1b")
    assert set(taken["defaults"]) <= set(taken["techniques"])
    assert {"bf16", "adamw", "replicated", "recompute-none"} <= set(taken["defaults"])
    assert (taken["settings"]["pipeline"], taken["settings"]["data"], taken["settings"]["micro_batches"]) == (2, 2, 4)
    inference = {"input_tokens": 8, "techniques": ["awq"]}
    taken = estimated(tmp_path, training=None, inference=inference).as_json()["taken"]
    assert taken["techniques"] == ("awq",)
    assert taken["settings"] == {
        "devices": 1,
        "sequences": 1,
        "input_tokens": 8,
        "output_tokens": 0,
        "kv_cache": "bf16",
        "weights_place": "device",
        "cache_place": "device",
    }


@pytest.mark.parametrize(
    ("name", "total_bytes"),
    [
        ("alphafold2-2000", 8241383066),
        ("full13b-zero-offload", 29741222092),
        ("full8b-a10g", 24803355442),
        ("qlora7b-24gb", 9530037926),
        ("train70b-h100", 53772769033),
    ],
)
def test_finer_lines_move_no_total(name: str, total_bytes: int) -> None:
    """Adapters, master weights, scales and both ends have lines of their own; together all is as much as before."""
    found = estimate(*read_pinned(next(each for each in EXAMPLES if each.stem == name)), load_calibration())
    assert found.total_bytes == pytest.approx(total_bytes, abs=2)


def test_states_have_lines_of_their_own(tmp_path: Path) -> None:
    """QLoRA's scales and adapters, Megatron's master weights, and both ends of the model are told apart."""
    part = {"sequence_length": 1024, "method": "qlora"}
    packed = _by_name(estimated(tmp_path, training=part))
    # 8 bits for 64 weights and 32 for 64 x 256 beside 4 bits a weight.
    assert packed["quantization blocks"] / packed["weights"] == pytest.approx((8 / 64 + 32 / 64 / 256) / 4)
    assert packed["adapter states"] == pytest.approx(2 * packed["adapters"])
    assert packed["optimizer states"] == packed["master weights"] == 0
    full = _by_name(estimated(tmp_path, training={"sequence_length": 1024, "framework": "megatron"}))
    assert full["optimizer states"] == pytest.approx(2 * full["master weights"])
    assert full["master weights"] == pytest.approx(2 * (full["weights"] + full["embedding and head"]))
    assert full["embedding and head"] > 2 * 128256 * 2048
