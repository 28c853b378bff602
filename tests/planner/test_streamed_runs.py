"""Are measured runs with weights off the device predicted as such, and is what a row lacks told?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.calibration import load_calibration
from planner.errors import PlannerError
from planner.measured import Row, read_measured
from planner.measured_answers import output_tokens_per_s, serving_figures_of
from planner.streamed_runs import streams

HEAD = (
    "id,judge,source,engine,model,weight_dtype,kv_dtype,accelerator,accelerators,input_tokens,output_tokens,"
    "concurrency,output_tokens_per_s,offload"
)
CALIBRATION = load_calibration()


def row(folder: Path, text: str) -> Row:
    """A measured row of that text."""
    file = folder / "runs.csv"
    file.write_text(f"{HEAD}\n{text}\n", encoding="utf-8")
    return read_measured(file).rows[0]


def made(folder: Path, offload: str, sequences: int, engine: str = "flexgen", model: str = "OPT-30B") -> Row:
    """A made-up run of an OPT on a T4."""
    line = f"a,throughput,made up,{engine},{model},fp16,fp16,T4,1,512,32,{sequences},1,{offload}"
    return row(folder, line)


def test_more_sequences_share_the_weights(tmp_path: Path) -> None:
    """A block of 64 sequences makes more tokens a second than one of 8; disks are slower than the host's memory."""
    few, many = (output_tokens_per_s(made(tmp_path, "cpu", sequences), CALIBRATION) for sequences in (8, 64))
    assert few < many
    host, disk = (
        output_tokens_per_s(made(tmp_path, place, 8, model="OPT-175B"), CALIBRATION) for place in ("cpu", "disk")
    )
    assert disk < host


def test_the_first_pass_is_the_first_token(tmp_path: Path) -> None:
    """A block's time is its first token and the further ones."""
    found = serving_figures_of(made(tmp_path, "cpu", 16), CALIBRATION)
    assert found.ttft_s + 31 * found.tpot_s == pytest.approx(16 * 32 / found.tokens_per_s)


@pytest.mark.parametrize(
    ("offload", "sequences", "engine", "says"),
    [
        ("cpu", 8, "vllm", "how vllm moves it is not known"),
        ("cpu", 0, "flexgen", "concurrency not stated"),
        # A prime number of sequences can be cut into single ones only, of which a block has no so many.
        ("cpu", 1009, "airllm", "do not fit T4"),
    ],
)
def test_what_cannot_be_said_is_told(offload: str, sequences: int, engine: str, says: str, tmp_path: Path) -> None:
    """A row that lacks something, or an engine that streams nothing, is skipped with that reason."""
    with pytest.raises(PlannerError) as refused:
        output_tokens_per_s(made(tmp_path, offload, sequences, engine), CALIBRATION)
    assert any(says in each for each in refused.value.findings)


def test_rows_on_the_device_are_no_such_runs(tmp_path: Path) -> None:
    """A row that says none, or nothing, is of a model on its device."""
    assert not streams(made(tmp_path, "none", 8))
    assert not streams(made(tmp_path, "", 8))
    assert streams(made(tmp_path, "disk", 8))
