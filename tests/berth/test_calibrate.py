"""Does `berth calibrate` write factors that other commands take?"""

from __future__ import annotations

from errno import ENOSPC
from os import strerror
from pathlib import Path

import pytest

from planner.carried import FOLDER
from planner.own_calibration import chosen_calibration
from tests.berth.command import Command

KEPT = ("id,", "ttn-001", "ttn-002", "ttn-007")


def test_factors_are_written_for_the_software_of_the_runs(berth: Command, tmp_path: Path) -> None:
    """Three runs of torchtitan give its factors; the file is one that --calibration takes."""
    runs, own = tmp_path / "runs.csv", tmp_path / "mine.yaml"
    lines = (FOLDER / "training_memory.csv").read_text(encoding="utf-8").splitlines()
    runs.write_text("\n".join(line for line in lines if line.startswith(KEPT)), encoding="utf-8")
    answer = berth("calibrate", runs, "-o", own)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"{own}: memory NVIDIA/torchtitan\n")
    assert "memory NVIDIA/torchtitan fragmentation: " in answer.out
    assert "memory: mean error " in answer.out
    assert "warning" not in answer.out
    assert "3 runs of" in chosen_calibration(str(own)).memory["NVIDIA/torchtitan"].band.basis


def test_serving_runs_give_factors_of_their_program(berth: Command, tmp_path: Path) -> None:
    """Three runs of AutoAWQ, and vLLM's tokens, give factors that change what `berth validate` predicts."""
    runs, own = tmp_path / "runs.csv", tmp_path / "mine.yaml"
    lines = (FOLDER / "serving_memory.csv").read_text(encoding="utf-8").splitlines()
    kept = ("id,", "autoawq-021", "autoawq-022", "autoawq-023", "kvcap-003")
    runs.write_text("\n".join(line for line in lines if line.startswith(kept)), encoding="utf-8")
    answer = berth("calibrate", runs, "-o", own)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"{own}: serving_memory autoawq, serving vllm-2024\n")
    mine = chosen_calibration(str(own))
    assert "3 runs of" in mine.eager_factors("autoawq").band.basis
    known = chosen_calibration(None)
    assert mine.serving_factors("vllm-2024", "A100-80GB") != known.serving_factors("vllm-2024", "A100-80GB")
    assert berth("validate", runs, "--calibration", own).status == 0


def test_a_place_that_cannot_be_written_is_an_expected_failure(berth: Command, tmp_path: Path) -> None:
    """The path and the reason on stderr, exit status 1."""
    runs = tmp_path / "runs.csv"
    lines = (FOLDER / "training_memory.csv").read_text(encoding="utf-8").splitlines()
    runs.write_text("\n".join(line for line in lines if line.startswith(("id,", "pef-011"))), encoding="utf-8")
    answer = berth("calibrate", runs, "-o", tmp_path / "none" / "mine.yaml")
    assert answer.status == 1
    assert "cannot be written" in answer.err


def test_a_good_calibration_survives_a_full_disk(
    berth: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Factors that cannot be written to their end leave the file that was there as it was."""
    runs, own = tmp_path / "runs.csv", tmp_path / "mine.yaml"
    lines = (FOLDER / "training_memory.csv").read_text(encoding="utf-8").splitlines()
    runs.write_text("\n".join(line for line in lines if line.startswith(KEPT)), encoding="utf-8")
    own.write_text("memory: {}\n", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(ENOSPC, strerror(ENOSPC))

    monkeypatch.setattr("pricing.files.os.fsync", full)
    answer = berth("calibrate", runs, "-o", own)
    assert answer.status == 1 and "mine.yaml: cannot be written: No space left on device" in answer.err
    assert own.read_text(encoding="utf-8") == "memory: {}\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine.yaml", "runs.csv"]
