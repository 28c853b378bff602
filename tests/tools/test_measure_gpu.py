"""Are the rows that the measuring script writes rows that `berth validate` takes?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from planner.calibration import load_calibration
from planner.measured import read_measured
from planner.validation import validate
from tools.measure_gpu import COLUMNS, KINDS, Case, Peak, cases, rows, write_rows

SCRIPT = Path(__file__).parents[2] / "tools" / "measure_gpu.py"
PEAK = Peak(bytes_by_kind={"allocated": 8 * 2**30, "reserved": 9 * 2**30}, trained=1000, tokens_per_s=123.4)


def test_help_needs_no_gpu() -> None:
    """--help works on a machine without PyTorch."""
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "berth validate" in done.stdout


def test_every_case_becomes_rows_that_can_be_judged(tmp_path: Path) -> None:
    """All cases together make a file without a fault, in which every row is predicted."""
    file = tmp_path / "mine.csv"
    count = write_rows(file, (row for case in cases() for row in rows(case, PEAK, "A10G")))
    found = validate(read_measured(file), load_calibration(), "mine.csv")
    assert len(found.rows) == count == 2 * len(cases())
    assert not found.skipped


def test_kinds_of_memory_are_rows_of_their_own() -> None:
    """What was read becomes a row each, in GiB; what nvidia-smi did not show is left out."""
    found = list(rows(Case(), PEAK, "A10G"))
    assert [(row["memory_kind"], row["peak_memory_gib"]) for row in found] == [("allocated", 8.0), ("reserved", 9.0)]
    assert set(PEAK.bytes_by_kind) < set(KINDS)
    assert all(set(row) <= set(COLUMNS) for row in found)


def test_a_case_that_ran_out_is_one_row() -> None:
    """Out of memory is a finding too: one row to judge the fit by."""
    gone = Peak(bytes_by_kind={}, trained=0, tokens_per_s=0.0, outcome="oom")
    (row,) = rows(Case(), gone, "A10G")
    assert (row["judge"], row["outcome"]) == ("oom", "oom")


@pytest.mark.parametrize(
    ("case", "column", "value"),
    [
        (Case(technique="lora"), "trainable_params", 1000),
        (Case(), "optimizer", "adamw-bf16"),
        (Case(weight_dtype="fp32"), "optimizer", "adamw"),
        (Case(chunked_loss=True), "options", "chunked_ce"),
        (Case(compiled=True), "compiled", "yes"),
        (Case(micro_batch=2, micro_batches=3), "global_batch", 6),
    ],
)
def test_cells_say_what_was_done(case: Case, column: str, value: object) -> None:
    """Techniques and batches stand in the columns that the schema has for them."""
    assert next(rows(case, PEAK, "A10G"))[column] == value
