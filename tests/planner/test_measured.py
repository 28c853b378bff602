"""Are measured files read strictly, with everything that is wrong told at once?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.carried import carried_serving, carried_training, fitted_cases, left_out
from planner.errors import MeasuredError
from planner.measured import Measured, parse_measured, read_measured
from planner.recipe import Job

HEADER = "id,judge,technique,seq_len,micro_batch,peak_memory_gib,software,notes"


def findings(text: str) -> list[str]:
    """What is wrong with a file of this text."""
    with pytest.raises(MeasuredError) as caught:
        parse_measured(text, "runs.csv")
    return list(caught.value.findings)


def test_cells_become_numbers_and_words() -> None:
    """Numbers are numbers, words are words, and empty cells say nothing."""
    found = parse_measured(f"{HEADER}\na,memory+throughput,lora,2048,1,7.5,litgpt,\n", "runs.csv")
    row = found.rows[0]
    assert found.job is Job.TRAINING
    assert (row.id, row.line, row.kinds) == ("a", 2, ("memory", "throughput"))
    assert row.numbers == {"seq_len": 2048, "micro_batch": 1, "peak_memory_gib": 7.5}
    assert "notes" not in row.text
    assert row.says("notes", "nothing") == "nothing"
    assert row.count("tp", 1) == 1


def test_every_fault_is_told_at_once() -> None:
    """Unknown columns, units in cells, what is no number, not finite, not whole or zero: each with line and column."""
    text = (
        "id,judge,technique,seq_len,micro_batch,peak_memory_gib,memry_kind\n"
        "a,memory,lora,2k,1,7.5 GB,x\n"
        "b,memory,lora,512,0,nan,x\n"
        "b,memory,lora,512.5,one,7,x\n"
        "c,memory\n"
        "d,memory,lora,512,1e21,7,x\n"
    )
    assert findings(text) == [
        "runs.csv:1: 'memry_kind' is not a column of training rows; did you mean memory_kind?",
        "runs.csv:2: seq_len: '2k' carries a unit of its own (k); the column's name has the unit",
        "runs.csv:2: peak_memory_gib: '7.5 GB' carries a unit of its own (GB); the column's name has the unit",
        "runs.csv:3: micro_batch: '0' is not above zero",
        "runs.csv:3: peak_memory_gib: 'nan' is not a finite number",
        "runs.csv:4: seq_len: '512.5' is not a whole number",
        "runs.csv:4: micro_batch: 'one' is not a number",
        "runs.csv:4: id: 'b' stands in the file twice",
        "runs.csv:5: 2 cells under 7 columns",
        "runs.csv:6: micro_batch: '1e21' is more than any run has",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + "\n", "runs.csv: no rows"),
        ("", "runs.csv:1: there is no column 'id'"),
        ("judge,technique\nmemory,lora\n", "runs.csv:1: there is no column 'id'"),
        (f"{HEADER},notes\na,,,1,1,1,,,\n", "runs.csv:1: column 'notes' stands twice"),
        ("id;technique\na;lora\n", "runs.csv:1: columns are not separated by commas; save the file with commas"),
        (
            'id,technique,peak_memory_gib\na,lora,"21,500 MiB"\n',
            "runs.csv:2: peak_memory_gib: '21,500 MiB' has commas inside the number; write digits alone, in the unit "
            "of the column's name",
        ),
    ],
)
def test_a_file_without_what_it_needs_is_refused(text: str, says: str) -> None:
    """No rows, no names, or a column twice: the file is refused with that."""
    assert says in findings(text)


def test_what_else_cannot_be_is_told_with_the_cells() -> None:
    """Further findings come with those of the cells, but for what a wrong cell has told already."""

    def further(measured: Measured, where: str) -> list[str]:
        return [
            f"{where}:2: seq_len: odd",
            f"{where}:2: judge: empty",
            f"{where}:2: tp: odd",
            f"{where}:3: seq_len: odd",
        ]

    text = "id,technique,seq_len,tp\na,lora,2k,1\nb,lora,8,1\n"
    with pytest.raises(MeasuredError) as caught:
        parse_measured(text, "runs.csv", further)
    assert [finding.partition(" '")[0] for finding in caught.value.findings] == [
        "runs.csv:2: seq_len:",
        "runs.csv:2: tp: odd",
        "runs.csv:3: seq_len: odd",
    ]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A spreadsheet under the name of a CSV is an expected failure that says what to do."""
    file = tmp_path / "runs.csv"
    file.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(MeasuredError, match="is no text in UTF-8; save it as CSV"):
        read_measured(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A path without a file is an expected failure."""
    with pytest.raises(MeasuredError, match="cannot be read"):
        read_measured(tmp_path / "none.csv")


def test_a_file_without_a_judge_column_judges_all_it_measured() -> None:
    """Users' own runs need no judge column: what they measured is judged, or that they ran out of memory."""
    text = (
        "id,technique,seq_len,peak_memory_gib,tokens_per_s_per_accelerator,outcome\na,full,8,7,9,ran\nb,full,8,,,oom\n"
    )
    found = parse_measured(text, "runs.csv")
    assert [found.kinds_of(row) for row in found.rows] == [("memory", "throughput"), ("oom",)]


def test_what_berth_brings_along_is_valid_and_sourced() -> None:
    """Every carried-over row names its source; rows left out of the fit exist and say why."""
    rows = (*carried_training().rows, *carried_serving().rows)
    assert all(row.says("source") for row in rows)
    assert len({row.id for row in rows}) == len(rows)
    assert all(name in {row.id for row in rows} and reason for name, reason in left_out().items())
    assert len(fitted_cases()) == 169 - len(left_out())
