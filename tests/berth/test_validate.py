"""Does `berth validate` set predictions beside measured runs?"""

from __future__ import annotations

import json
from pathlib import Path

from planner.carried import FOLDER
from tests.berth.command import Command


def test_the_carried_over_runs_are_judged(berth: Command) -> None:
    """Every run has a line, runs out of memory have their verdict, and the summary ends the page."""
    answer = berth("validate", FOLDER / "training_memory.csv")
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert sum(" predicted " in line for line in lines) == 173
    assert sum(line.endswith("does not fit") for line in lines) == 4
    assert lines[-1].startswith("memory       unsafe rows: 0 of 173")
    assert any(line.startswith("QwenLM/Qwen counts memory in units of 10^9 bytes") for line in lines)


def test_help_says_where_the_columns_are_told(berth: Command) -> None:
    """Who has runs to validate learns from the command how to write them down."""
    assert "berth schema measured" in " ".join(berth("validate", "--help").out.replace("│", " ").split())


def test_json_is_for_programs(berth: Command) -> None:
    """The same as JSON, with the agreed keys."""
    answer = berth("validate", FOLDER / "serving_memory.csv", "--json")
    found = json.loads(answer.out)
    assert (answer.status, set(found)) == (0, {"rows", "oom", "skipped", "summary"})
    assert found["summary"]["memory"]["count"] == 78


def test_own_factors_change_predictions(berth: Command, tmp_path: Path) -> None:
    """With --calibration the factors of a file hold."""
    own = tmp_path / "mine.yaml"
    own.write_text("memory: {NVIDIA/torchtitan: {workspace_bytes: 5000000000}}\n", encoding="utf-8")
    pages = [
        json.loads(berth("validate", FOLDER / "training_memory.csv", "--json", *more).out)["rows"]
        for more in ((), ("--calibration", own))
    ]
    before, after = ({row["id"]: row["predicted"] for row in page} for page in pages)
    assert after["ttn-001"] > before["ttn-001"]
    assert after["lit-011"] == before["lit-011"]


def test_cells_and_layouts_are_told_at_once(berth: Command, tmp_path: Path) -> None:
    """What is wrong in a cell and what cannot be in a layout are told by one run of the command, by line."""
    file = tmp_path / "runs.csv"
    file.write_text(
        "id,judge,technique,accelerators,dp,tp,seq_len,micro_batch,peak_memory_gib\n"
        "a,memory,full,8,3,1,2k,1,9\n"
        "b,memory,full,8,8,1,512,1,9 GB\n",
        encoding="utf-8",
    )
    for command in (("validate", file), ("calibrate", file, "-o", tmp_path / "mine.yaml")):
        answer = berth(*command)
        assert (answer.status, answer.out) == (1, "")
        told = [line.partition("runs.csv:")[2].partition(": '")[0] for line in answer.err.splitlines()]
        assert told == ["2: seq_len", "2: dp: tp x pp x cp x dp is 3, the run had 8 devices", "3: peak_memory_gib"]
    assert not (tmp_path / "mine.yaml").exists()


def test_a_wrong_file_fails_with_its_faults(berth: Command, tmp_path: Path) -> None:
    """An expected failure: every fault on stderr, nothing on stdout, exit status 1."""
    file = tmp_path / "runs.csv"
    file.write_text("id,technique,seq_len,mikro_batch\na,full,2k,1\n", encoding="utf-8")
    answer = berth("validate", file)
    assert (answer.status, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 2
