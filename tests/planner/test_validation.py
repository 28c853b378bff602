"""Do summaries add up, and is a row skipped only for what its cells say?"""

from __future__ import annotations

import math

import pytest

from planner.calibration import load_calibration
from planner.carried import carried_throughput
from planner.errors import MeasuredError
from planner.measured import parse_measured
from planner.measured_training import TrainingCase, training_case
from planner.scores import reach, scores
from planner.validation import Compared, OutOfMemory, Validation, validate
from pricing.records import replace

COLUMNS = (
    "id,judge,software,technique,layers,hidden,ffn,heads,vocab,compute_dtype,weight_dtype,sharding,accelerator,"
    "accelerators,tp,dp,seq_len,micro_batch,global_batch,peak_memory_gib,memory_kind,outcome"
)


def row(**changes: str) -> str:
    """A line of a small full fine-tune, some cells changed."""
    cells = {
        "id": "a",
        "judge": "memory",
        "software": "torchtitan",
        "technique": "full",
        "layers": "4",
        "hidden": "512",
        "ffn": "1024",
        "heads": "8",
        "vocab": "1000",
        "compute_dtype": "bf16",
        "weight_dtype": "fp32",
        "sharding": "zero3",
        "accelerator": "A10G",
        "accelerators": "2",
        "tp": "1",
        "dp": "2",
        "seq_len": "128",
        "micro_batch": "1",
        "global_batch": "2",
        "peak_memory_gib": "3",
        "memory_kind": "reserved",
        "outcome": "ran",
    }
    return ",".join({**cells, **changes}.values())


def validated(*lines: str) -> Validation:
    """The validation of a file with these lines."""
    return validate(parse_measured("\n".join([COLUMNS, *lines]), "runs.csv"), load_calibration(), "runs.csv")


def test_scores_are_plain_arithmetic() -> None:
    """Mean, median, bias, 90th percentile and shares of five errors, done by hand."""
    found = scores([0.05, -0.10, 0.15, -0.20, 0.40])
    assert found.count == 5
    assert found.mean == pytest.approx(0.18)
    assert found.median == pytest.approx(0.15)
    assert found.bias == pytest.approx(0.06)
    assert found.p90 == pytest.approx(0.32)
    assert found.within_10 == pytest.approx(0.4)
    assert found.within_20 == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("ratios", "share", "edges"),
    [
        # A quarter beyond the worst of both sides, rounded outwards.
        ([0.8, 1.0, 1.2], 1.0, (0.75, 1.25)),
        # Never narrower than 12 % of few runs, 5 % of many.
        ([0.99, 1.01], 1.0, (0.88, 1.12)),
        ([0.99, 1.01] * 10, 1.0, (0.95, 1.05)),
        # The middle half of five, and a quarter beyond.
        ([0.2, 0.8, 1.0, 1.2, 5.0], 0.5, (0.75, 1.25)),
    ],
)
def test_a_band_reaches_beyond_what_was_seen(ratios: list[float], share: float, edges: tuple[float, float]) -> None:
    """The worst of few runs is not the worst there is: the band goes on for a quarter of its reach."""
    assert reach(ratios, share) == pytest.approx(edges)


def test_unsafe_counts_what_was_said_to_fit_and_did_not() -> None:
    """A run out of memory that was said to fit is unsafe, and one measured above a device said to hold it."""
    held = {"kind": "memory", "unit": "GiB", "predicted": 10.0, "device": 16.0}
    found = Validation(
        rows=[
            Compared(id="a", measured=17.0, upper=12.0, **held),  # type: ignore[arg-type]
            Compared(id="b", measured=17.0, upper=18.0, **held),  # type: ignore[arg-type]
            Compared(id="c", measured=11.0, upper=12.0, **held),  # type: ignore[arg-type]
        ],
        oom=[
            OutOfMemory(id="d", predicted_gib=10, device_gib=16, fits=True),
            OutOfMemory(id="e", predicted_gib=20, device_gib=16, fits=False),
        ],
    )
    assert found.unsafe() == 2
    assert found.summary()["memory"]["unsafe"] == 2
    assert found.summary()["memory"]["above_band"] == 1


def test_kinds_of_memory_and_units_are_told_apart() -> None:
    """The summary has each kind of memory by itself; sources that count 10^9 bytes are in GB, with the reason."""
    columns = f"{COLUMNS},source"
    lines = [f"{row()},x", f"{row(id='b', memory_kind='allocated')},x", f"{row(id='c', memory_kind='')},QwenLM/Qwen"]
    found = validate(parse_measured("\n".join([columns, *lines]), "runs.csv"), load_calibration(), "runs.csv").as_json()
    memory = found["summary"]["memory"]
    assert {kind: each["count"] for kind, each in memory["by_memory_kind"].items()} == {
        "reserved": 1,
        "allocated": 1,
        "unknown": 1,
    }
    assert [each["unit"] for each in found["rows"]] == ["GiB", "GiB", "GB"]
    assert len(memory["notes"]) == 1


def test_the_json_has_what_was_agreed() -> None:
    """Rows, runs out of memory, skipped rows and the summary, with the agreed keys and plain numbers."""
    found = validated(row(), row(id="b", judge="oom", outcome="oom", peak_memory_gib="")).as_json()
    assert set(found) == {"rows", "oom", "skipped", "summary"}
    assert set(found["rows"][0]) == {"id", "kind", "predicted", "measured", "unit"}
    assert found["rows"][0]["unit"] == "GiB"
    assert set(found["oom"][0]) == {"id", "predicted_gib", "device_gib", "fits"}
    assert found["oom"][0]["fits"] is True
    assert math.isfinite(found["summary"]["memory"]["mean"])


def test_a_file_of_runs_out_of_memory_has_every_figure() -> None:
    """Without a measured figure there is no error: the summary's keys are those of other files, null."""
    full = validated(row()).as_json()["summary"]["memory"]
    bare = validated(row(judge="oom", outcome="oom", peak_memory_gib="")).as_json()["summary"]["memory"]
    figures = ("mean", "median", "bias", "p90", "within_10", "within_20")
    assert bare == {"count": 0, "unsafe": 1, **dict.fromkeys(figures)}
    assert set(figures) < set(full)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seq_len": ""}, "seq_len not stated"),
        ({"layers": ""}, "layers not stated, and no preset is called ''"),
    ],
)
def test_a_row_is_skipped_for_what_its_cells_lack(changes: dict[str, str], reason: str) -> None:
    """What a prediction cannot do without is named; the other rows are predicted all the same."""
    found = validated(row(), row(id="b", **changes))
    assert [item.id for item in found.rows] == ["a"]
    assert [(item.id, item.reason) for item in found.skipped] == [("b", reason)]


@pytest.mark.parametrize(
    "changes", [{"sharding": "zero4"}, {"weight_dtype": "bf17"}, {"technique": "loraa"}, {"outcome": "oomed"}]
)
def test_a_word_that_nobody_knows_keeps_its_row_alone_from_being_judged(changes: dict[str, str]) -> None:
    """The row is skipped with the word as its reason; the file's other rows are predicted all the same."""
    found = validated(row(), row(id="b", **changes))
    assert [item.id for item in found.rows] == ["a"]
    ((column, word),) = changes.items()
    assert [item.reason.startswith(f"{column}: '{word}' is not known; did you mean ") for item in found.skipped] == [
        True
    ]


def test_without_a_judge_column_a_word_for_the_outcome_is_told() -> None:
    """A run that did not simply run is judged as one out of memory: an unknown word for that is its row's reason."""
    lines = (row(judge="", outcome="oomed", peak_memory_gib=""), row(id="b", judge=""))
    text = "\n".join(line.replace(",,", ",", 1) for line in (COLUMNS.replace("judge,", ""), *lines))
    found = validate(parse_measured(text, "runs.csv"), load_calibration(), "runs.csv")
    assert [(item.id, item.kind) for item in found.skipped] == [("a", "oom")]
    assert [item.id for item in found.rows] == ["b"]


def test_names_are_open() -> None:
    """Software and accelerators that nobody described do not keep memory from being predicted, and are noted."""
    found = validated(row(software="newtrain", accelerator="NPU-9"))
    assert (len(found.rows), found.skipped) == (1, [])
    assert [note.split(" is not known")[0] for note in found.notes] == ["software 'newtrain'", "accelerator 'NPU-9'"]
    assert found.rows[0].device is None
    gone = validated(row(judge="oom", outcome="oom", accelerator="NPU-9", peak_memory_gib=""))
    assert [item.reason for item in gone.skipped] == ["accelerator: the memory of NPU-9 is not known"]


def test_layers_on_several_devices_are_no_data_ranks() -> None:
    """Under a device_map each device has its share of the layers, and one micro-batch passes through all of them."""
    split = case_of(sharding="device_map", accelerators="2", dp="1", global_batch="8")
    assert (split.layout.pipeline, split.layout.data, split.layout.micro_batches) == (2, 1, 1)
    one, two = (
        validated(row(sharding=sharding, accelerators=count, dp="1")).rows[0].predicted
        for sharding, count in (("none", "1"), ("device_map", "2"))
    )
    assert two < one


def test_whose_runs_they_are_decides_before_a_name_for_software() -> None:
    """A publisher's own program holds for its rows by whatever common name their software goes."""
    text = f"{COLUMNS},source\n{row(software='hf-trainer')},AnswerDotAI/fsdp_qlora"
    assert training_case(parse_measured(text, "runs.csv").rows[0]).framework.software.name == "fsdp-qlora"


ANSWERED = (
    "id,judge,source,engine,model,weight_dtype,accelerator,accelerators,input_tokens,output_tokens,peak_memory_gib"
)


def answered(judge: str, source: str, kind: str, **changes: str) -> Validation:
    """The validation of one answer of Hugging Face Transformers."""
    cells = {"model": "llama-3.1-8b", "weight_dtype": "bf16", "accelerator": "A100-80GB", "accelerators": "1"}
    cells |= {"input_tokens": "30000", "output_tokens": "2048", "peak_memory_gib": "20"} | changes
    line = ",".join(("a", judge, source, "hf-transformers", *cells.values(), kind))
    return validate(parse_measured(f"{ANSWERED},memory_kind\n{line}", "runs.csv"), load_calibration(), "runs.csv")


@pytest.mark.parametrize(
    ("source", "kind", "at_end"),
    [("x", "peak", False), ("x", "at the end", True), ("QwenLM/Qwen3", "", True), ("QwenLM/Qwen3", "peak", False)],
)
def test_memory_may_be_read_at_the_end(source: str, kind: str, at_end: bool) -> None:
    """At the end there is the cache of all tokens and no row of the prompt: by the row's word, else by its source."""
    peak = answered("memory", "x", "").rows[0].predicted
    found = answered("memory", source, kind).rows[0].predicted
    assert (found < peak) is at_end
    assert found == pytest.approx((2 * 8.03e9 + 131072 * 32048) / 2**30, rel=0.01) if at_end else found == peak


def test_serving_runs_run_out_of_memory_too() -> None:
    """A model larger than its devices together is not said to fit, and a small one is."""
    assert [answered("oom", "x", "", accelerators=count).oom[0].fits for count in ("1", "4")] == [True, True]
    assert [answered("oom", "x", "", accelerator="A10G", accelerators=count).oom[0].fits for count in ("1", "2")] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    "changes", [{"sharding": ""}, {"compute_dtype": ""}, {"software": ""}, {"weight_dtype": ""}, {"micro_batch": ""}]
)
def test_an_empty_cell_is_the_softwares_default(changes: dict[str, str]) -> None:
    """What is not stated but has a default does not keep a row from being predicted."""
    found = validated(row(**changes))
    assert not found.skipped
    assert found.rows[0].predicted > 0


@pytest.mark.parametrize("sharding", ["zero3", "device_map"])
def test_an_empty_micro_batch_is_one_sequence(sharding: str) -> None:
    """Without the cell a pass has one sequence, as an estimate without it has; the global batch makes more passes."""
    found, stated = (case_of(sharding=sharding, micro_batch=cell, global_batch="8") for cell in ("", "1"))
    assert found.layout == stated.layout
    assert found.layout.micro_batch == 1


@pytest.mark.parametrize(
    ("technique", "accelerator", "software", "sharded"),
    [
        ("full", "H100-80GB", "torchtitan", True),
        ("pretrain", "H100-80GB", "megatron-core", False),
        ("qlora", "H100-80GB", "hf-peft", False),
        ("full", "Trainium1", "neuron", False),
        ("full", "MI300X", "torchtitan", True),
        ("qlora", "Gaudi2", "hf-peft", False),
    ],
)
def test_empty_software_is_what_an_estimate_takes(
    technique: str, accelerator: str, software: str, sharded: bool
) -> None:
    """Without software and sharding a row is what `berth estimate` defaults to."""
    cells = row(software="", sharding="", technique=technique, accelerator=accelerator, dp="")
    case = training_case(parse_measured(f"{COLUMNS}\n{cells}", "runs.csv").rows[0])
    assert case.framework.software.name == software
    assert case.recipe.weights_sharded is sharded


def test_impossible_layouts_are_told_together() -> None:
    """Degrees that do not multiply and heads that do not divide are findings of the file, with their lines."""
    with pytest.raises(MeasuredError) as caught:
        validated(row(dp="3"), row(id="b", heads="7"), row(id="c", heads="6", tp="4", accelerators="8", hidden="510"))
    assert caught.value.findings == (
        "runs.csv:2: dp: tp x pp x cp x dp is 3, the run had 2 devices",
        "runs.csv:2: global_batch: 2 sequences are no multiple of micro_batch x dp = 3",
        "runs.csv:3: heads: a width of 512 does not divide into 7 heads",
        "runs.csv:4: tp: 6 heads cannot be split 4 ways",
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (row(judge="speed"), "'speed' is not a kind of training figures; kinds are memory, throughput"),
        (row(peak_memory_gib=""), "'memory' asked for, but peak_memory_gib is empty"),
    ],
)
def test_a_judge_cell_must_name_what_was_measured(line: str, says: str) -> None:
    """An unknown kind, or one without its figure, is refused."""
    with pytest.raises(MeasuredError, match=says):
        validated(line)


def test_kinds_of_memory_are_told_apart() -> None:
    """The same run takes least in tensors, more of the allocator, and most of the device."""
    lines = [row(id=kind, memory_kind=kind) for kind in ("allocated", "reserved", "unknown")]
    predicted = [item.predicted for item in validated(*lines).rows]
    assert predicted == sorted(predicted)
    assert predicted[0] < predicted[1] < predicted[2]


def case_of(**changes: str) -> TrainingCase:
    """The configuration of a line."""
    return training_case(parse_measured("\n".join([COLUMNS, row(**changes)]), "runs.csv").rows[0])


@pytest.mark.parametrize(
    ("changes", "speed"),
    [
        ({}, "torchtitan"),
        ({"software": "nemo"}, "megatron-core"),
        ({"software": "megatron-lm"}, "megatron-core"),
        ({"software": "llm-foundry"}, "llm-foundry"),
    ],
)
def test_software_selects_the_class_of_speed(changes: dict[str, str], speed: str) -> None:
    """The name in the software cell decides whose time factors hold."""
    assert case_of(**changes).speed == speed


def timed(**changes: str) -> TrainingCase:
    """The configuration of a carried-over run with some of its cells changed."""
    found = next(item for item in carried_throughput().rows if item.id == "ttn-025")
    numbers = {**found.numbers, **{name: float(value) for name, value in changes.items() if value.isdigit()}}
    text = {**found.text, **{name: value for name, value in changes.items() if not value.isdigit()}}
    return training_case(replace(found, text=text, numbers=numbers))


def test_a_publisher_and_the_way_to_run_decide_too() -> None:
    """vTrain's Megatron is that of 2021; torchtitan is eager without torch.compile, and asynchronous where noted."""
    assert timed(source="VIA-Research/vTrain", software="megatron-lm").speed == "megatron-lm-2021"
    assert timed(compiled="no").speed == "torchtitan-eager"
    assert timed(notes="async TP").speed == "torchtitan-async"


def test_block_scaled_types_have_rates_of_their_own() -> None:
    """mxfp8 and nvfp4 keep what fp8 keeps, and compute at their own rates."""
    plain, scaled = timed(compute_dtype="fp8").recipe, timed(compute_dtype="nvfp4").recipe
    assert scaled == replace(plain, compute_dtype="nvfp4")


def test_experts_spread_over_tensor_ranks_hold_as_much() -> None:
    """64 expert ranks of 32 data ranks take two tensor ranks with them, whole: as 32 ranks of halves do."""
    assert timed(dp="32", tp="2", ep="64").layout.expert == 32
    assert timed(dp="32", tp="2", ep="16").layout.expert == 16


def test_a_mixtures_widths_are_its_presets() -> None:
    """The width column is that of dense blocks; a preset of the name, width and depth has the experts' own."""
    shape = timed(
        model="Qwen3_235B_a22B", layers="94", hidden="4096", ffn="12288", heads="64", kv_heads="4", experts="128"
    ).shape
    assert shape.parameters == pytest.approx(235e9, rel=0.01)


def test_a_source_that_prints_decimal_gigabytes_is_predicted_in_them() -> None:
    """The same run is 7.4 % more where its source counts in units of 10^9 bytes."""
    columns, cells = COLUMNS + ",source", row(software="hf-trainer", technique="lora", sharding="none")
    lines = [f"{cells.replace('a,', 'b,', 1)},QwenLM/Qwen", f"{cells},someone else"]
    found = validate(parse_measured("\n".join([columns, *lines]), "runs.csv"), load_calibration(), "runs.csv")
    decimal, binary = (item.predicted for item in found.rows)
    assert decimal / binary == pytest.approx(2**30 / 10**9)


SERVED = "id,engine,model,weight_dtype,accelerator,accelerators,tp,input_tokens,output_tokens,concurrency,tpot_ms"


def test_emulated_types_are_timed() -> None:
    """Four-bit floats on an H200 are read as such and multiplied in 16 bits: faster than 16-bit weights."""
    lines = [
        f"{name},vllm,DeepSeek-V3/R1,{dtype},H200,8,8,1000,100,4,20" for name, dtype in (("a", "fp4"), ("b", "bf16"))
    ]
    found = validate(parse_measured("\n".join([SERVED, *lines]), "runs.csv"), load_calibration(), "runs.csv")
    assert not found.skipped
    narrow, wide = found.rows
    assert 0 < narrow.predicted < wide.predicted
