"""Are the rows that the measuring script writes rows that `berth validate` takes?"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from planner.calibration import load_calibration
from planner.measured import read_measured
from planner.validation import validate
from tools.gpu_cases import Case, cases
from tools.measure_gpu import COLUMNS, KINDS, ROOT, Peak, device_name, main, rows, write_rows

SCRIPT = [sys.executable, "-m", "tools.measure_gpu"]
PEAK = Peak(bytes_by_kind={"allocated": 8 * 2**30, "reserved": 9 * 2**30}, trained=1000, tokens_per_s=123.4)


def test_help_needs_no_gpu() -> None:
    """--help works on a machine without PyTorch."""
    done = subprocess.run([*SCRIPT, "--help"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0
    assert "berth validate" in done.stdout


@pytest.mark.skipif(find_spec("torch") is not None, reason="says what is missing where PyTorch is missing")
@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_what_is_missing_is_said(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Without PyTorch one sentence says so and what to do, and no file is written."""
    file = tmp_path / "mine.csv"
    command = [*SCRIPT, "-o", str(file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("PyTorch cannot be imported (")
    assert len(done.stderr.splitlines()) == 1 and not file.exists()


def test_no_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyTorch sees no GPU, nothing is measured and the dry run is named; a dry run goes on."""
    torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setitem(sys.modules, "torch", torch)
    with pytest.raises(SystemExit, match=r"PyTorch sees no GPU here: nothing can be measured; --dry-run"):
        main(["--only", "lora"])
    assert device_name(True) == "the CPU"


def test_a_word_that_no_case_has_lists_them_all() -> None:
    """--only with a word of no case says which there are, before anything runs."""
    with pytest.raises(SystemExit, match=r"no case has that in its name") as caught:
        main(["--only", "nothing"])
    assert str(caught.value).count("\n") == len(cases())


def test_names_of_cases_are_their_own() -> None:
    """Names become ids of rows, which may not stand twice; small cases keep what they are about."""
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)
    assert all(case.small().options == case.options for case in cases())


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
        (Case(step_in_backward=True, offloads_activations=True), "options", "optimizer_in_backward+activation_offload"),
        (Case(optimizer="adafactor"), "optimizer", "adafactor"),
        (Case(compiled=True), "compiled", "yes"),
        (Case(micro_batch=2, micro_batches=3), "global_batch", 6),
    ],
)
def test_cells_say_what_was_done(case: Case, column: str, value: object) -> None:
    """Techniques and batches stand in the columns that the schema has for them."""
    assert next(rows(case, PEAK, "A10G"))[column] == value
